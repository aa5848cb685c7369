package failure

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"heapstash/schema"
)

// StatusError is an answer with any status but 200. It wraps [schema.ErrRefused],
// [schema.ErrNotFound], [schema.ErrUnreachable] (the server is busy, or a proxy
// cannot reach it), or for any other status [schema.ErrProtocol].
type StatusError struct {
	URL  string // without credentials, shortened
	Code int    // the HTTP status
	// FromAPIServer is set if a Kubernetes apiserver answered, and not Heapster
	// or a proxy. The apiserver sends a JSON Status or, up to Kubernetes 1.18,
	// one of a few texts.
	FromAPIServer bool
	Reason        string // the apiserver's word, such as Forbidden
	Message       string // the body's text, in one line
	HTML          bool   // the body is a web page
	Location      string // the target of a redirect
	// RetryAfter is the pause that the server asks for, 0 if it does not.
	RetryAfter time.Duration

	path      string // of the URL
	service   service
	answered  bool   // another request had a good answer: the way in is right
	challenge string // the first way to log in that a 401 names, such as basic
	way       Way
}

// oldProxyDenial is kubectl proxy's text for Forbidden up to v1.13.
const oldProxyDenial = "<h3>Unauthorized</h3>"

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}

// challenge returns the scheme of the header WWW-Authenticate.
func challenge(header string) string {
	scheme, _, _ := strings.Cut(strings.TrimSpace(header), " ")
	return strings.ToLower(strings.TrimSuffix(scheme, ","))
}

// Error is one line with the URL, the status and the message.
func (e *StatusError) Error() string {
	who := "answered"
	if e.FromAPIServer {
		who = "the apiserver answered"
	}
	line := fmt.Sprintf("%s: %s %d %s", e.URL, who, e.Code, http.StatusText(e.Code))
	if e.Location != "" {
		line += " to " + e.Location
	}
	if e.Message != "" && e.Message != http.StatusText(e.Code) {
		line += ": " + e.Message
	}
	return line
}

// Unwrap returns the sentinel of package schema for the status.
func (e *StatusError) Unwrap() error {
	switch {
	case e.Code == http.StatusUnauthorized, e.Code == http.StatusForbidden,
		e.Code == http.StatusProxyAuthRequired:
		return schema.ErrRefused
	case e.Code == http.StatusNotFound:
		return schema.ErrNotFound
	case e.Code == http.StatusTooManyRequests, e.Code >= 500:
		return schema.ErrUnreachable
	default:
		return schema.ErrProtocol
	}
}

// permanent reports whether another try cannot help.
func (e *StatusError) permanent() bool {
	return !slices.Contains([]int{
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}, e.Code)
}

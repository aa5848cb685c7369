package wire

import (
	"fmt"
	"net/url"
	"strings"

	"heapstash/schema"
)

// UnaddressableError reports a name that no URL of the model API can have. It
// wraps [schema.ErrUnaddressable].
type UnaddressableError struct {
	Name   string // such as system.slice/docker.service
	Reason string
}

// Error gives the name and the reason.
func (e *UnaddressableError) Error() string {
	return fmt.Sprintf("no URL for %q: %s", e.Name, e.Reason)
}

// Hint is empty: this is a limit of Heapster's API.
func (e *UnaddressableError) Hint() string { return "" }

// Unwrap returns [schema.ErrUnaddressable].
func (e *UnaddressableError) Unwrap() error { return schema.ErrUnaddressable }

// checkSegment refuses names that the server would not get as they are. The
// apiserver decodes a path, cleans it and encodes it again: %2F becomes a slash
// and a dot segment disappears, so that /docker-daemon would answer for
// docker-daemon.
func checkSegment(name string) error {
	switch {
	case name == "":
		return &UnaddressableError{Name: name, Reason: "an empty name"}
	case name == "." || name == "..":
		return &UnaddressableError{Name: name, Reason: "a path with it would be shortened on the way"}
	case strings.Contains(name, "/"):
		return &UnaddressableError{Name: name, Reason: "a name with a slash"}
	}
	return nil
}

// metricPath escapes a metric's name. Unlike other names it may have slashes.
func metricPath(m schema.MetricName) (string, error) {
	for segment := range strings.SplitSeq(string(m), "/") {
		if checkSegment(segment) != nil {
			return "", &UnaddressableError{Name: string(m), Reason: "a metric name with an empty or a dot segment"}
		}
	}
	return strings.ReplaceAll(url.PathEscape(string(m)), "%2F", "/"), nil
}

// podNames escapes a list of pods. A name with a comma would be two names:
// Heapster splits the list after decoding it.
func podNames(pods []string) (string, error) {
	escaped := make([]string, len(pods))
	for i, pod := range pods {
		if err := checkSegment(pod); err != nil {
			return "", err
		}
		if strings.Contains(pod, ",") {
			return "", &UnaddressableError{Name: pod, Reason: "a comma in a list of pods"}
		}
		escaped[i] = url.PathEscape(pod)
	}
	return strings.Join(escaped, ","), nil
}

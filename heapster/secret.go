package heapster

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// secrets are what a request proved itself with. Whoever answers knows them and
// may say them again, in a redirect or an error, and from there they would go
// to logs and to the ledger.
type secrets []string

// secretsOf takes the request as it went out, which is the one that its answer
// names: round trippers add credentials to copies.
func secretsOf(resp *http.Response) secrets {
	var s secrets
	add := func(secret string) {
		const shortest = 4 // what is shorter is a part of many words
		if len(secret) >= shortest {
			s = append(s, secret)
		}
	}
	if resp.Request == nil {
		return nil
	}
	if user := resp.Request.URL.User; user != nil {
		password, _ := user.Password()
		add(password)
	}
	for _, header := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		value := resp.Request.Header.Get(header)
		scheme, credentials, _ := strings.Cut(value, " ")
		if credentials == "" {
			credentials = value
		}
		add(credentials)
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "Basic") {
			_, password, _ := strings.Cut(string(plain), ":")
			add(password)
		}
	}
	return s
}

// scrub takes the secrets out of a text.
func (s secrets) scrub(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

// userinfo is what may stand before the host in a URL.
var userinfo = regexp.MustCompile(`://[^/@\s"]+@`)

// WithoutUserinfo takes names and passwords out of the URLs in a text, for
// people. What other packages say in their errors has URLs as they were given.
func WithoutUserinfo(text string) string {
	return userinfo.ReplaceAllString(text, "://"+redacted+"@")
}

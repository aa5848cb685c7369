package failure

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const redacted = "[redacted]"

// secrets are the credentials of a request. The server knows them and may repeat
// them in a redirect or an error, and from there they would get into logs and the
// ledger.
type secrets []string

// shortest is the length of the shortest secret: anything shorter is a part of many
// words.
const shortest = 4

// add adds a secret in all spellings in which errors quote texts, the longest
// first.
func (s *secrets) add(secret string) {
	if len(secret) < shortest {
		return
	}
	inJSON, _ := json.Marshal(secret) // a string has no error
	for _, spelling := range []string{
		url.QueryEscape(secret), url.PathEscape(secret), unquoted(strconv.Quote(secret)), unquoted(string(inJSON)), secret,
	} {
		if !slices.Contains(*s, spelling) {
			*s = append(*s, spelling)
		}
	}
}

func unquoted(text string) string { return text[1 : len(text)-1] }

// header adds the credentials in a header of the request.
func (s *secrets) header(key, value string) {
	if !slices.Contains(credentialHeaders, key) {
		return
	}
	scheme, credentials, _ := strings.Cut(value, " ")
	if credentials == "" {
		credentials = value
	}
	s.add(credentials)
	if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "Basic") {
		_, password, _ := strings.Cut(string(plain), ":")
		s.add(password)
	}
}

var credentialHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// secretsOf returns the credentials of the answered request. It reads the request
// in the answer, because round trippers add credentials to copies.
func secretsOf(resp *http.Response) secrets {
	var s secrets
	if resp.Request == nil {
		return nil
	}
	if user := resp.Request.URL.User; user != nil {
		password, _ := user.Password()
		s.add(password)
	}
	for _, key := range credentialHeaders {
		s.header(key, resp.Request.Header.Get(key))
	}
	return s
}

// scrub removes the secrets from a text. Scrub before cutting: a part of a secret
// would stay.
func (s secrets) scrub(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

// withoutEnd removes the beginning of a secret from the end of a text that was cut.
func (s secrets) withoutEnd(text []byte) []byte {
	for _, secret := range s {
		for n := min(len(secret)-1, len(text)); n >= shortest; n-- {
			if bytes.HasSuffix(text, []byte(secret[:n])) {
				text = text[:len(text)-n]
				break
			}
		}
	}
	return text
}

// userinfo matches the part of a URL before the host, up to the last @: an
// unescaped password may have an @ too.
var userinfo = regexp.MustCompile(`://[^/\s"]+@`)

// WithoutUserinfo removes names and passwords from the URLs in a text. Errors of
// other packages quote URLs as they were given.
func WithoutUserinfo(text string) string {
	return userinfo.ReplaceAllString(text, "://"+redacted+"@")
}

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

// secrets are what a request proved itself with. Whoever answers knows them and
// may say them again, in a redirect or an error, and from there they would go
// to logs and to the ledger.
type secrets []string

// shortest is the length of the shortest secret: what is shorter is a part of
// many words.
const shortest = 4

// add adds a secret in all spellings in which errors quote what they are about,
// the longest first.
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

// header adds what a header of the request proves it with.
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

// secretsOf takes the request as it went out, which is the one that its answer
// names: round trippers add credentials to copies.
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

// scrub takes the secrets out of a text. Do so before cutting it: of a secret
// that is cut, the rest would stay.
func (s secrets) scrub(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

// withoutEnd takes the beginning of a secret from the end of a text that was
// cut.
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

// userinfo is what may stand before the host in a URL: all up to the last @, for
// a password that was not escaped may have one itself.
var userinfo = regexp.MustCompile(`://[^/\s"]+@`)

// WithoutUserinfo takes names and passwords out of the URLs in a text, for
// people. What other packages say in their errors has URLs as they were given.
func WithoutUserinfo(text string) string {
	return userinfo.ReplaceAllString(text, "://"+redacted+"@")
}

package kube_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"heapstash/heapster/kube"
	"heapstash/schema"
)

// idToken returns a JWT that is good enough for a client.
func idToken(subject string, expires time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"sub":%q,"exp":%d}`, subject, expires.Unix())
	return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
}

func oidcUser(issuer, token, refresh string) string {
	return fmt.Sprintf("auth-provider: {name: oidc, config: {idp-issuer-url: %q, client-id: k, id-token: %s, refresh-token: %q}}",
		issuer, token, refresh)
}

// A valid id-token is sent without asking the issuer.
func TestOIDCToken(t *testing.T) {
	noCluster(t)
	server, caFile, asked := secureServer(t, nil)
	token := idToken("archivist", time.Now().Add(time.Hour))
	config := kubeconfig(t, server.URL, "certificate-authority: "+caFile, oidcUser("https://127.0.0.1:1/holds", token, ""))
	if err := get(t, kube.Options{Kubeconfig: config}); err != nil || *asked != "Bearer "+token {
		t.Errorf("sent %q, error %v", *asked, err)
	}
}

// An expired id-token is refreshed, and saved as kubectl does.
func TestOIDCRefresh(t *testing.T) {
	noCluster(t)
	server, caFile, asked := secureServer(t, nil)
	expired, fresh := idToken("archivist", time.Now().Add(-time.Hour)), idToken("archivist", time.Now().Add(time.Hour))
	var issuer *httptest.Server
	issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
			fmt.Fprintf(w, `{"token_endpoint":%q}`, issuer.URL+"/token")
		case r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "again":
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":"invalid_grant"}`)
		default:
			fmt.Fprintf(w, `{"access_token":"a","token_type":"Bearer","id_token":%q,"refresh_token":"once more"}`, fresh)
		}
	}))
	defer issuer.Close()
	trust := "certificate-authority: " + caFile

	config := kubeconfig(t, server.URL, trust, oidcUser(issuer.URL, expired, "again"))
	if err := get(t, kube.Options{Kubeconfig: config}); err != nil || *asked != "Bearer "+fresh {
		t.Errorf("sent %q, error %v", *asked, err)
	}
	if kept := read(t, config); !strings.Contains(kept, fresh) || !strings.Contains(kept, "once more") {
		t.Errorf("the kubeconfig holds %s", kept)
	}

	for name, test := range map[string]struct{ user, message string }{
		"refused":   {oidcUser(issuer.URL+"/refused", expired, "spent"), "invalid_grant"},
		"no way":    {oidcUser(issuer.URL+"/noway", expired, ""), "cannot refresh without refresh-token"},
		"no issuer": {oidcUser("http://127.0.0.1:1", expired, "again"), "connection refused"},
		"no JWT":    {oidcUser(issuer.URL+"/nojwt", "abc", ""), "not a valid JWT"},
	} {
		err := get(t, kube.Options{Kubeconfig: kubeconfig(t, server.URL, trust, test.user)})
		var hinter interface{ Hint() string }
		if !errors.Is(err, schema.ErrRefused) || !strings.Contains(err.Error(), test.message) ||
			!errors.As(err, &hinter) || !strings.Contains(hinter.Hint(), "log in again") {
			t.Errorf("%s: got %v", name, err)
		}
	}

	// As in kubectl, it is an error if the new token cannot be saved.
	config = kubeconfig(t, server.URL, trust, oidcUser(issuer.URL+"/kept", expired, "again"))
	if err := os.WriteFile(config+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := get(t, kube.Options{Kubeconfig: config})
	var hinter interface{ Hint() string }
	if !errors.Is(err, schema.ErrRefused) || !errors.As(err, &hinter) || !strings.Contains(hinter.Hint(), "let it write the kubeconfig and a lock file beside it") {
		t.Errorf("with a lock: %v", err)
	}
}

package kube_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"heapstash/heapster/kube"
)

// kubeconfigWith returns a kubeconfig with two contexts. The lines go to its top, its
// first context, its cluster and its user.
func kubeconfigWith(t *testing.T, top, context, cluster, user string) kube.Options {
	t.Helper()
	return kube.Options{Kubeconfig: write(t, fmt.Sprintf(`kind: Config
%s
contexts:
- {name: here, context: {%s}}
- {name: there, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster:
    server: https://127.0.0.1:1
    %s
users:
- name: u
  user:
    %s
`, top, context, cluster, user))}
}

// Each fault of a kubeconfig has its message and its hint.
func TestKubeconfigFaults(t *testing.T) {
	noCluster(t)
	const (
		v1   = "apiVersion: v1"
		here = v1 + "\ncurrent-context: here"
		c    = "cluster: c, user: u"
	)
	user := func(lines string) kube.Options { return kubeconfigWith(t, here, c, "", lines) }
	cluster := func(lines string) kube.Options { return kubeconfigWith(t, here, c, lines, "token: abc") }
	text := func(content string) kube.Options { return kube.Options{Kubeconfig: write(t, content)} }
	const execOf = "exec: {command: x, apiVersion: client.authentication.k8s.io/"

	for name, test := range map[string]struct {
		opts          kube.Options
		message, hint string
	}{
		"no current-context":  {kubeconfigWith(t, v1, c, "", "token: abc"), "has no current-context", "--context: here, there"},
		"no such current one": {kubeconfigWith(t, v1+"\ncurrent-context: gone", c, "", "token: abc"), `context "gone" does not exist`, "--context: here, there"},
		"no context at all": {text("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: https://h}}]"),
			"has no context", "kubectl config set-context"},
		"no such cluster": {kubeconfigWith(t, here, "cluster: x, user: u", "", "token: abc"), `for cluster "x", which does not exist`, "the clusters are: c"},
		"no such user":    {kubeconfigWith(t, here, "cluster: c, user: x", "", "token: abc"), `for user "x", who does not exist`, "the users are: u"},

		"empty":        {text(""), "is an empty kubeconfig", "--kubeconfig"},
		"empty object": {text("{}"), "is an empty kubeconfig", "--kubeconfig"},
		"text":         {text("hello there"), "it is a string, not a mapping", "is not a kubeconfig"},
		"list":         {text("- a\n- b"), "it is a list, not a mapping", "is not a kubeconfig"},
		"web page":     {text("<!DOCTYPE html><html>a: b: c</html>"), "error loading config file", "is not a kubeconfig"},
		"binary":       {text("\x80\x81\xfe"), "error loading config file", "is not a kubeconfig"},
		"directory":    {kube.Options{Kubeconfig: t.TempDir()}, "is a directory", "is not a kubeconfig"},
		"wrong version": {kubeconfigWith(t, "apiVersion: v2\ncurrent-context: here", c, "", "token: abc"),
			`version "v2"`, "apiVersion: v1 and kind: Config"},

		"token":            {user(`token: "abc\n"`), "has a line break or a space in it", `token: "abc\n"`},
		"gcp":              {user("auth-provider: {name: gcp}"), `"gcp"`, "gke-gcloud-auth-plugin"},
		"azure":            {user("auth-provider: {name: azure}"), `"azure"`, "kubelogin convert-kubeconfig"},
		"openstack":        {user("auth-provider: {name: openstack}"), `"openstack"`, "--server http://127.0.0.1:8001"},
		"oidc of nobody":   {user("auth-provider: {name: oidc, config: {}}"), "Must provide idp-issuer-url", "complete the user's auth-provider oidc"},
		"exec v1alpha1":    {user(execOf + "v1alpha1}"), "v1alpha1", "v1beta1"},
		"exec interactive": {user(execOf + "v1}"), "interactiveMode must be specified", "interactiveMode: Never"},
		"no token file":    {user("tokenFile: /no/such/token"), "/no/such/token", "the file is not on this machine"},
		"no certificate": {user("{client-certificate: /no/such.crt, client-key: /no/such.key}"),
			"unable to read client-cert /no/such.crt", "client-certificate and client-key"},
		"no key":          {user("client-certificate: " + write(t, "")), "client-key must be specified", "the PEM key of that certificate"},
		"odd certificate": {user("{client-certificate-data: aGVsbG8=, client-key-data: aGVsbG8=}"), "PEM data", "must be a PEM certificate"},

		"odd CA":        {cluster("certificate-authority-data: aGVsbG8="), "PEM", "BEGIN CERTIFICATE"},
		"no base64":     {cluster("certificate-authority-data: '%%%'"), "illegal base64", "base64 --wrap=0"},
		"trust and not": {cluster("insecure-skip-tls-verify: true\n    certificate-authority: " + write(t, "")), "insecure", "take one of the two"},
		"proxy":         {cluster("proxy-url: 'ftp://h:1'"), "proxy-url", "http://host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kube.Connect(t.Context(), test.opts)
			var config *kube.ConfigError
			if !errors.As(err, &config) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), test.message) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "abc") {
				t.Errorf("error %q; want a line with %q", err, test.message)
			}
			if !strings.Contains(config.Hint(), test.hint) {
				t.Errorf("%v: hint %q; want %q", err, config.Hint(), test.hint)
			}

			// A kubectl proxy works whatever the kubeconfig lacks.
			t.Setenv("KUBECONFIG", test.opts.Kubeconfig)
			if err := get(t, kube.Options{Server: apiserver(t, modern).URL}); err != nil {
				t.Errorf("by a kubectl proxy: %v", err)
			}
		})
	}
}

// A file that cannot be read has another error than an empty one. Root may read every file, so
// that the test then runs again as the user nobody.
func TestUnreadableKubeconfig(t *testing.T) {
	if os.Geteuid() == 0 {
		againAsNobody(t)
		return
	}
	noCluster(t)
	opts := kubeconfigWith(t, "apiVersion: v1\ncurrent-context: here", "cluster: c, user: u", "", "token: abc")
	if err := os.Chmod(opts.Kubeconfig, 0); err != nil {
		t.Fatal(err)
	}
	_, err := kube.Connect(t.Context(), opts)
	var config *kube.ConfigError
	if !errors.As(err, &config) || !strings.Contains(config.Hint(), "must be able to read it") {
		t.Errorf("got %v", err)
	}
}

func TestKUBECONFIG(t *testing.T) {
	noCluster(t)
	missing := filepath.Join(t.TempDir(), "missing")
	server, caFile, _ := secureServer(t, nil)
	good := kubeconfig(t, server.URL, "certificate-authority: "+caFile, "token: secret")

	t.Setenv("KUBECONFIG", missing+string(os.PathListSeparator)+good)
	if err := get(t, kube.Options{}); err != nil {
		t.Errorf("with one of two: %v", err)
	}
	for list, message := range map[string]string{
		missing:          missing + ", and there is no such file",
		write(t, ""):     "is empty: it has no cluster",
		write(t, "text"): "it is a string",
		good + string(os.PathListSeparator) + write(t, "text"): "it is a string",
	} {
		t.Setenv("KUBECONFIG", list)
		_, err := kube.Connect(t.Context(), kube.Options{})
		var config *kube.ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), message) || !strings.Contains(config.Hint(), "--kubeconfig") {
			t.Errorf("%s: got %v; want %q", list, err, message)
		}
	}
}

// In a pod whose service account is not mounted, the hint says so.
func TestPodWithoutAccount(t *testing.T) {
	noCluster(t)
	t.Setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "1")
	_, err := kube.Connect(t.Context(), kube.Options{})
	var config *kube.ConfigError
	if !errors.As(err, &config) || !strings.Contains(config.Hint(), "automountServiceAccountToken") {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Unusual kubeconfigs that work.
func TestKubeconfigsThatWork(t *testing.T) {
	noCluster(t)
	server, caFile, asked := secureServer(t, nil)
	ca := read(t, caFile)
	trust := "certificate-authority: " + caFile
	usual := read(t, kubeconfig(t, server.URL, trust, "token: secret"))
	encoded := base64.StdEncoding.EncodeToString([]byte(ca))
	var block strings.Builder
	for line := range slices.Chunk([]byte(encoded), 64) {
		fmt.Fprintf(&block, "\n      %s", line)
	}
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + usual)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}

	for name, test := range map[string]struct{ config, want string }{
		"usual":      {usual, "Bearer secret"},
		"CRLF":       {strings.ReplaceAll(usual, "\n", "\r\n"), "Bearer secret"},
		"BOM":        {"\ufeff" + usual, "Bearer secret"},
		"UTF-16":     {string(wide), "Bearer secret"},
		"base64":     {read(t, kubeconfig(t, server.URL, "certificate-authority-data: |"+block.String(), "token: secret")), "Bearer secret"},
		"basic":      {read(t, kubeconfig(t, server.URL, trust, "{username: me, password: secret}")), "Basic bWU6c2VjcmV0"},
		"token file": {read(t, kubeconfig(t, server.URL, trust, "tokenFile: "+write(t, "secret\n"))), "Bearer secret"},
		"no user":    {strings.Replace(usual, ", user: u", "", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := get(t, kube.Options{Kubeconfig: write(t, test.config)}); err != nil || *asked != test.want {
				t.Errorf("sent %q, error %v; want %q", *asked, err, test.want)
			}
		})
	}
}

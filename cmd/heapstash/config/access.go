package config

import (
	"net/url"
	"strconv"
	"strings"
)

// Access says how to reach Heapster: at a URL, or through an apiserver.
type Access struct {
	HeapsterURL string `mapstructure:"heapster_url"`

	Kubeconfig        string `mapstructure:"kubeconfig"`
	Context           string `mapstructure:"context"`
	Server            string `mapstructure:"server"`
	HeapsterNamespace string `mapstructure:"heapster_namespace"`
	HeapsterService   string `mapstructure:"heapster_service"`
	HeapsterScheme    string `mapstructure:"heapster_scheme"`
	HeapsterPort      string `mapstructure:"heapster_port"`
	HeapsterProxyPath string `mapstructure:"heapster_proxy_path"`

	CAFile                string `mapstructure:"ca_file"`
	ClientCertFile        string `mapstructure:"client_cert_file"`
	ClientKeyFile         string `mapstructure:"client_key_file"`
	TokenFile             string `mapstructure:"token_file"`
	InsecureSkipTLSVerify bool   `mapstructure:"insecure_skip_tls_verify"`
}

func (a Access) check(fs *Faults) {
	direct := a.HeapsterURL != ""
	for _, s := range []struct{ key, value string }{
		{"kubeconfig", a.Kubeconfig}, {"context", a.Context}, {"server", a.Server},
	} {
		fs.check(!direct || s.value == "", s.key, "conflicts with heapster_url: give one of the two")
	}
	for _, s := range []struct {
		key string
		set bool
	}{
		{"ca_file", a.CAFile != ""}, {"client_cert_file", a.ClientCertFile != ""}, {"client_key_file", a.ClientKeyFile != ""},
		{"token_file", a.TokenFile != ""}, {"insecure_skip_tls_verify", a.InsecureSkipTLSVerify},
	} {
		fs.check(direct || !s.set, s.key, "goes with heapster_url only: a kubeconfig has its own")
	}
	fs.check(a.ClientCertFile == "" || a.ClientKeyFile != "", "client_cert_file", "needs client_key_file beside it")
	fs.check(a.ClientKeyFile == "" || a.ClientCertFile != "", "client_key_file", "needs client_cert_file beside it")

	checkURL(fs, "heapster_url", a.HeapsterURL)
	checkURL(fs, "server", a.Server)
	fs.check(a.HeapsterNamespace != "", "heapster_namespace", "must not be empty")
	fs.check(a.HeapsterService != "", "heapster_service", "must not be empty")
	fs.oneOf("heapster_scheme", a.HeapsterScheme, "http", "https")
	if n, err := strconv.Atoi(a.HeapsterPort); err == nil {
		fs.within("heapster_port", n, 1, 65535)
	}
	fs.oneOf("heapster_proxy_path", a.HeapsterProxyPath, "auto", "modern", "legacy")
}

func checkURL(fs *Faults, key, text string) {
	if text == "" {
		return
	}
	shown := text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		shown = "..." + text[at+1:] // what stands before is secret
	}
	u, err := url.Parse(text)
	ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == ""
	fs.check(ok, key, "%q is not a URL: write http://host:port or https://host/path", shown)
}

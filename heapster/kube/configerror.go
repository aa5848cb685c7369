package kube

import (
	"errors"
	"os"
	"regexp"
	"strings"

	"heapstash/heapster/failure"

	"k8s.io/client-go/tools/clientcmd"
)

// ConfigError reports a fault in the options or the kubeconfig, before any request.
type ConfigError struct {
	Err  error
	hint string
}

// notMapping matches client-go's text for YAML that is not a mapping.
var notMapping = regexp.MustCompile(`couldn't get version/kind; json parse error: json: cannot unmarshal (\w+) into Go value of type struct \{[^}]*\}`)

// Error is one line.
func (e *ConfigError) Error() string {
	text := notMapping.ReplaceAllString(e.Err.Error(), "it is a $1, not a mapping with apiVersion and kind")
	text = strings.Replace(text, "it is a array", "it is a list", 1) // Go's word is JSON's, and the file is YAML
	return failure.WithoutUserinfo(strings.Join(strings.Fields(text), " "))
}

// Unwrap returns the cause, often an error of client-go.
func (e *ConfigError) Unwrap() error { return e.Err }

// Hint says what the user can do.
func (e *ConfigError) Hint() string { return e.hint }

const (
	hintWays = "give a way: --heapster-url URL (Heapster itself), --server URL (a kubectl proxy), --kubeconfig FILE " +
		"(or KUBECONFIG, or ~/.kube/config); in a pod the service account is enough"
	hintNoAccount = "this pod has no token of a service account: set automountServiceAccountToken: true in its spec, or " + hintWays

	// hintOldKubectl is for what client-go no longer supports.
	hintOldKubectl = "or let a kubectl of the cluster's age log in: run its `kubectl proxy`, and give --server http://127.0.0.1:8001"
)

// errSpacedToken comes before net/http refuses the header, and does not quote the
// token.
var errSpacedToken = &ConfigError{errors.New("the user's token in the kubeconfig has a line break or a space in it"),
	`remove it: token: "abc\n" is a common mistake with base64 -d or cat in a script; a line break at the end of tokenFile: FILE is allowed`}

func newConfigError(err error) *ConfigError {
	if clientcmd.IsEmptyConfig(err) {
		hint := hintWays
		if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
			hint = hintNoAccount
		}
		return &ConfigError{errors.New("no way to Heapster is configured"), hint}
	}
	return &ConfigError{err, configHint(err.Error())}
}

// configHint recognizes client-go's errors by their texts.
func configHint(text string) string {
	says := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case says(`no Auth Provider found for name "gcp"`):
		return "gke-gcloud-auth-plugin replaced the auth-provider gcp: install it, and run `gcloud container clusters get-credentials CLUSTER`; " + hintOldKubectl
	case says(`no Auth Provider found for name "azure"`):
		return "kubelogin replaced the auth-provider azure: install it, and run `kubelogin convert-kubeconfig`; " + hintOldKubectl
	case says("no Auth Provider found for name"):
		return "client-go knows only the auth-provider oidc: use an exec plugin, a token or a client certificate; " + hintOldKubectl
	case says("Must provide idp-issuer-url"), says("Must provide client-id"):
		return "complete the user's auth-provider oidc in the kubeconfig: idp-issuer-url, client-id, id-token, refresh-token"
	case says("exec plugin: invalid apiVersion"):
		return "client-go knows client.authentication.k8s.io/v1 and v1beta1: write apiVersion v1beta1 in the user's exec, and install " +
			"a plugin that answers in it; " + hintOldKubectl
	case says("interactiveMode"):
		return "write interactiveMode: Never into the user's exec in the kubeconfig (or IfAvailable, or Always)"
	case says("permission denied"):
		return "heapstash must be able to read it: run it as another user, or let its group read the file (chgrp heapstash, chmod 640)"
	case says("illegal base64 data"):
		return "the value of a key that ends in -data is not base64: make it with `base64 --wrap=0 FILE`, or name the file in the key without -data"
	case says(`no kind "`):
		return "a kubeconfig has apiVersion: v1 and kind: Config: is this another file?"
	case says("error loading config file"):
		return "the file is not a kubeconfig, or it is damaged: name another with --kubeconfig; `kubectl config view --minify --flatten --raw` writes one where kubectl works"
	case says("certificate-authority-data and certificate-authority"), says("root certificates file with the insecure flag"):
		return "take one of the two out of the kubeconfig"
	case says("root certificates"):
		return "the cluster's certificate-authority in the kubeconfig is not a PEM certificate: it must begin with -----BEGIN CERTIFICATE-----"
	case says("client-key"), says("PEM data"), says("private key"):
		return "the user's client-certificate and client-key in the kubeconfig must be a PEM certificate and the PEM key of that certificate"
	case strings.HasPrefix(text, "stat "):
		return "the kubeconfig does not exist: name another file with --kubeconfig"
	case says("no such file"):
		return "the file is not on this machine: copy it, or write a kubeconfig that holds its files with `kubectl config view --minify --flatten --raw`"
	case says("proxy-url"):
		return "write the cluster's proxy-url in the kubeconfig as http://host:port, https://host:port or socks5://host:port"
	default:
		return "try the same with `kubectl cluster-info`, or name another --kubeconfig or --context"
	}
}

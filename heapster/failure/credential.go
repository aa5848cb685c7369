package failure

import "strings"

// GettingCredentials begins the errors of a round tripper that has no credentials
// to send. client-go's exec plugins write it, and other round trippers must too.
const GettingCredentials = "getting credentials: "

func (e *TransportError) noCredentials() bool {
	return strings.HasPrefix(e.Err.Error(), GettingCredentials)
}

// credentialHint is for a request that was not sent for lack of credentials.
func (e *TransportError) credentialHint() string {
	says := func(text string) bool { return strings.Contains(e.Err.Error(), text) }
	switch {
	case e.way == ByURL:
		return "there are no credentials to send: check --token-file"
	case says("exec: executable ") && says(" not found"), says("exec: fork/exec ") && says("no such file"):
		return "install the user's exec plugin, or name it in the kubeconfig by its whole path: systemd and cron have a short PATH"
	case says("returned version"):
		return "the exec plugin and the kubeconfig disagree on the apiVersion: write the one that the plugin returns into the user's exec"
	case says("interactive mode"):
		return "the exec plugin asks questions, and no terminal is here: log in with it first, or let it log in without questions, and write interactiveMode: Never"
	case says("exec"), says("decoding stdout"), says("failed parsing client"):
		return "run the exec plugin of the kubeconfig's user in a shell, as the same user and with the same environment: its output must be an ExecCredential"
	case says("could not persist new tokens"):
		return "heapstash has to save the refreshed token: let it write the kubeconfig and a lock file beside it, as kubectl does"
	default:
		return "there are no credentials to send: log in again with the tool that wrote the user's auth-provider into the kubeconfig, and restart `heapstash run`, which keeps the old token"
	}
}

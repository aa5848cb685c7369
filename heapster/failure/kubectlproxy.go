package failure

import (
	"fmt"
	"net/http"
	"strings"
)

// FromKubectlProxy reports whether kubectl proxy's filter refused the request.
func (e *StatusError) FromKubectlProxy() bool {
	return e.Code == http.StatusForbidden && (e.Message == "Forbidden" || e.Message == "Unauthorized")
}

// kubectlProxyHint names the part of the path that the filter rejects. If no
// request had a good answer, the reason may be the address.
func (e *StatusError) kubectlProxyHint() string {
	instead := ", or use --kubeconfig instead of " + e.way.choose("--server", "--heapster-url")
	switch word, segment := FilteredIn(e.path); {
	case word != "":
		return fmt.Sprintf("kubectl proxy rejects paths that look like %s, here for %q: start it with "+
			"--reject-paths='%s'%s", word, segment, harmlessFilter, instead)
	case e.answered:
		return filterHint
	default:
		return "if a kubectl proxy answers, it accepts requests for localhost only: use 127.0.0.1 in the URL, or start the proxy with --accept-hosts"
	}
}

// filterHint is for a refused path when other paths have good answers.
const filterHint = "other paths have good answers, so a filter on the way rejects this one: " +
	"find it (kubectl proxy's --reject-paths, an ingress, a web application firewall), and let the path pass"

// harmlessFilter rejects the paths that kubectl proxy's own filter is meant for,
// and no path of Heapster's.
const harmlessFilter = "^/api/v1/(proxy/)?(namespaces/[^/]+/pods|nodes)/[^/]+/(proxy/)?(exec|attach|run)"

// Padding is a name that no pod has. kubectl proxy's filter looks only at the
// first name of a list, so that with this one in front a pod named runner-1
// passes. Heapster answers it with an empty item.
const Padding = "-"

// FilteredIn finds the segment of a path that kubectl proxy rejects by default: it
// begins with exec or attach, or up to Kubernetes 1.3 with run.
func FilteredIn(path string) (word, segment string) {
	for segment := range strings.SplitSeq(path, "/") {
		segment = strings.TrimPrefix(segment, Padding+",")
		for _, word := range []string{"exec", "attach", "run"} {
			if strings.HasPrefix(segment, word) {
				name, _, _ := strings.Cut(segment, ",")
				return word, short(name)
			}
		}
	}
	return "", ""
}

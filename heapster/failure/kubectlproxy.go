package failure

import (
	"fmt"
	"net/http"
	"strings"
)

// FromKubectlProxy reports the text of kubectl proxy's own filter.
func (e *StatusError) FromKubectlProxy() bool {
	return e.Code == http.StatusForbidden && (e.Message == "Forbidden" || e.Message == "Unauthorized")
}

// kubectlProxyHint tells what of the path kubectl proxy's filter dislikes or,
// where nothing came through it, whom it takes requests of.
func (e *StatusError) kubectlProxyHint() string {
	instead := ", or use --kubeconfig in the place of " + e.way.choose("--server", "--heapster-url")
	switch word, segment := FilteredIn(e.path); {
	case word != "":
		return fmt.Sprintf("kubectl proxy rejects paths that look like %s, here for %q: start it with "+
			"--reject-paths='%s'%s", word, segment, harmlessFilter, instead)
	case e.answered:
		return filterHint
	default:
		return "if a kubectl proxy answers, it takes requests for localhost alone: ask it at 127.0.0.1, or start it with --accept-hosts"
	}
}

// filterHint is for a path that is refused where others are answered.
const filterHint = "other paths are answered, so that something on the way rejects this one: " +
	"look for a filter (kubectl proxy's --reject-paths, an ingress, a web application firewall), and let it pass"

// harmlessFilter rejects what kubectl proxy's own filter means to reject, and
// nothing of Heapster's.
const harmlessFilter = "^/api/v1/(proxy/)?(namespaces/[^/]+/pods|nodes)/[^/]+/(proxy/)?(exec|attach|run)"

// Padding is a name that no pod has. kubectl proxy's filter looks only at the
// first name of a list, so that with this one in front a pod named runner-1
// passes. Heapster answers it with an empty item.
const Padding = "-"

// FilteredIn finds what kubectl proxy rejects by default: a segment of the
// path that begins with exec or attach and, up to Kubernetes 1.3, with run.
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

package failure

import (
	"net/http"
	"regexp"
	"strconv"
)

// Rule is the RBAC rule that a request through an apiserver needs.
type Rule struct {
	Namespace string
	Resource  string
	Verb      string
	// Name is the resource's name exactly as the URL spells it, because the
	// apiserver compares resourceNames with that spelling: heapster does not
	// allow http:heapster:, nor the reverse.
	Name string
	// User is the user without the rule, in the apiserver's words. It is empty
	// if the apiserver does not name one.
	User string
}

// deniedUser matches the beginning of the reason in every version of Kubernetes.
var deniedUser = regexp.MustCompile(`User ("(?:[^"\\]|\\.)*")`)

// Rule returns the RBAC rule whose absence made the apiserver answer 403. It returns
// false for any other status, and for a user without credentials, to whom no rule
// should be given.
func (e *StatusError) Rule() (Rule, bool) {
	if !e.FromAPIServer || e.Code != http.StatusForbidden || e.service.name == "" {
		return Rule{}, false
	}
	r := Rule{Namespace: e.service.namespace, Resource: "services/proxy", Verb: "get", Name: e.service.name}
	if e.service.legacy {
		r.Resource, r.Verb = "services", "proxy"
	}
	if match := deniedUser.FindStringSubmatch(e.Message); match != nil {
		r.User, _ = strconv.Unquote(match[1])
	}
	return r, r.User != "system:anonymous"
}

package failure

import (
	"net/http"
	"regexp"
	"strconv"
)

// Rule is what RBAC has to allow for a way through an apiserver.
type Rule struct {
	Namespace string
	Resource  string
	Verb      string
	// Name is the resource's, in the literal spelling of the URL: that is what
	// the apiserver compares resourceNames with, so that heapster and
	// http:heapster: each allow only themselves.
	Name string
	// User is who lacks it, in the apiserver's words; empty if it does not say.
	User string
}

// deniedUser is how every version of Kubernetes begins the reason.
var deniedUser = regexp.MustCompile(`User ("(?:[^"\\]|\\.)*")`)

// Rule returns the RBAC rule for want of which the apiserver answered 403. It
// is false for any other status, and for a user without credentials, whom no
// rule should help.
func (e *StatusError) Rule() (Rule, bool) {
	if !e.FromAPIServer || e.Code != http.StatusForbidden {
		return Rule{}, false
	}
	if e.service.name == "" {
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

package doctor

import (
	"errors"

	"heapstash/heapster/failure"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// Access says whether Heapster answers. The way is how the settings reach Heapster,
// base is Heapster's URL, if it is known, and err is the error of a request there.
func Access(way, base string, err error) Finding {
	const name = "access"
	if err == nil {
		return ok(name, "Heapster answers at %s (%s)", base, way)
	}
	return fault(name, fixAccess(err), "%s: %v", way, err)
}

// fixAccess returns the Role that is missing, or the error's own hint.
func fixAccess(err error) string {
	var status *failure.StatusError
	if errors.As(err, &status) {
		if rule, denied := status.Rule(); denied {
			return "have an administrator give this to `kubectl apply -f -`:\n\n" + kube.Manifest(rule)
		}
	}
	return schema.HintOf(err)
}

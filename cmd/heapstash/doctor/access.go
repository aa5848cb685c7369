package doctor

import (
	"errors"

	"heapstash/heapster/failure"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// Access tells whether Heapster answers. The way is the one in that the
// settings choose, and base where it leads, if that is known; err is what came
// of asking there.
func Access(way, base string, err error) Finding {
	const name = "access"
	if err == nil {
		return ok(name, "Heapster answers at %s (%s)", base, way)
	}
	return fault(name, mendAccess(err), "%s: %v", way, err)
}

// mendAccess spells the very Role that is missing, or passes the error's own
// hint on.
func mendAccess(err error) string {
	var status *failure.StatusError
	if errors.As(err, &status) {
		if rule, denied := status.Rule(); denied {
			return "have an administrator give this to `kubectl apply -f -`:\n\n" + kube.Manifest(rule)
		}
	}
	return schema.HintOf(err)
}

package plan

import (
	"strings"

	"heapstash/schema"
)

// OwnScope is the scope of one pod's own watermark. A pod has one while it is
// refused by name and other pods of its namespace are answered. No namespace's name
// has a slash.
func OwnScope(e schema.Entity) schema.Scope {
	return schema.Scope{Kind: schema.Pod, Name: e.Namespace + "/" + e.Pod}
}

// IsOwn reports whether the scope is one pod's own.
func IsOwn(scope schema.Scope) bool {
	return scope.Kind == schema.Pod && strings.Contains(scope.Name, "/")
}

// RefusedBefore reports whether the last pass could not read the pod, although it
// read others of the same namespace.
func (p *Planner) RefusedBefore(e schema.Entity) bool {
	_, own := p.Memory.Watermarks[OwnScope(e)]
	return e.Kind == schema.Pod && own
}

// WatermarkOf is the time up to which the entity was read whole.
func (p *Planner) WatermarkOf(e schema.Entity, scope schema.Scope) schema.Instant {
	watermark := p.Memory.Watermarks[scope]
	if p.RefusedBefore(e) && scope == e.Scope() {
		return min(watermark, p.Memory.Watermarks[OwnScope(e)])
	}
	return watermark
}

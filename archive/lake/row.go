package lake

import (
	"cmp"

	"heapstash/schema"
)

// Cell is a sample's value, or none.
type Cell struct {
	Value schema.Value
	Set   bool
}

// Row has the samples of an entity at one time. Who gets a row from an iterator must not
// keep Cells.
type Row struct {
	Entity  *schema.Entity
	Cluster string
	Metric  schema.MetricName // in narrow only
	At      schema.Instant
	Cells   []Cell // one for each metric of the table
}

// compareEntities orders entities by kind (its name), namespace, pod, container, node
// and labels, byte by byte.
func compareEntities(a, b *schema.Entity) int {
	if a == b {
		return 0
	}
	return cmp.Or(cmp.Compare(a.Kind.String(), b.Kind.String()), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Pod, b.Pod),
		cmp.Compare(a.Container, b.Container), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Labels, b.Labels))
}

// Compare orders rows as in a part: by kind, namespace, pod, container, node and labels
// of the entity, then by cluster, metric and time. Texts are compared byte by byte.
func (r Row) Compare(other Row) int {
	if c := compareEntities(r.Entity, other.Entity); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(r.Cluster, other.Cluster), cmp.Compare(r.Metric, other.Metric), cmp.Compare(r.At, other.At))
}

// meet merges the cells of a later row with the same key into r. It reports whether that
// changed r, and returns the indexes of the cells that differ: those of r stay.
func (r Row) meet(later Row) (changed bool, conflicts []int) {
	for i, c := range later.Cells {
		own := &r.Cells[i]
		switch {
		case !c.Set:
		case !own.Set:
			*own, changed = c, true
		default:
			kept, verdict := own.Value.Meet(c.Value)
			switch verdict {
			case schema.Refined:
				own.Value, changed = kept, true
			case schema.Conflicting:
				conflicts = append(conflicts, i)
			}
		}
	}
	return changed, conflicts
}

// nameValues returns the values of the name columns; empty for names that do not apply.
func (t *table) nameValues(e *schema.Entity, values []string) []string {
	values = values[:0]
	for _, column := range t.names {
		values = append(values, *nameField(e, column))
	}
	if t.mixed() {
		values[0] = e.Kind.String()
	}
	return values
}

// nameField returns the entity's field of a name column, a blank one for its kind.
func nameField(e *schema.Entity, column string) *string {
	switch column {
	case "namespace":
		return &e.Namespace
	case "pod":
		return &e.Pod
	case "container":
		return &e.Container
	case "node":
		return &e.Node
	case "labels":
		return &e.Labels
	default:
		return new(string)
	}
}

// mixed reports whether the rows are of several kinds of entity.
func (t *table) mixed() bool { return t.narrow || t.family != schema.Unlabelled }

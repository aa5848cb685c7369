package collect

import (
	"slices"

	"heapstash/schema"
)

// testimony is what the model API shows of one batch, by which the sets of
// metric-export are told apart: both show the same values.
type testimony struct {
	at schema.Instant
	// asked are the entities of which everything was asked and answered: what
	// is not in readings is not in the batch.
	asked    map[schema.Entity]bool
	readings map[schema.Entity][]schema.Reading
	// present have samples in the batch that are not in readings.
	present map[schema.Entity]bool
}

// testify collects what the requests brought of a batch. Of entities that are
// not of interest, only their presence is kept.
func testify(requests []request, a answers, at schema.Instant, interest func(schema.Entity) bool) testimony {
	t := testimony{
		at:       at,
		asked:    make(map[schema.Entity]bool),
		readings: make(map[schema.Entity][]schema.Reading),
		present:  make(map[schema.Entity]bool),
	}
	together := make(map[*string]bool) // pods, who are asked for many metrics
	for _, r := range requests {
		if r.pods != nil {
			if together[&r.pods[0]] {
				continue
			}
			together[&r.pods[0]] = true
		}
		for i := range r.size() {
			t.asked[r.member(i)] = true
		}
	}
	for i, r := range requests {
		if a.errs[i] != nil {
			for j := range r.size() {
				delete(t.asked, r.member(j))
			}
		}
	}
	for _, row := range a.rows {
		switch {
		case row.At != at:
		case interest(row.Entity):
			t.readings[row.Entity] = append(t.readings[row.Entity], row.Readings...)
		default:
			t.present[row.Entity] = true
		}
	}
	return t
}

// contradicts reports whether the row cannot be the entity's that it names.
func (t testimony) contradicts(row schema.Row) bool {
	if row.At != t.at || !t.asked[row.Entity] || t.present[row.Entity] {
		return false
	}
	shown := t.readings[row.Entity]
	for _, r := range row.Readings {
		if tells(row.Entity, r) && !slices.ContainsFunc(shown, func(s schema.Reading) bool { return agree(s, r) }) {
			return true
		}
	}
	return false
}

// tells reports whether the model API shows the reading of every such entity
// that has it. Heapster's long store has nothing of floats.
func tells(e schema.Entity, r schema.Reading) bool {
	if e.Labels != "" {
		return true
	}
	_, whole := r.Value.Int64()
	return isCommon(e.Kind, r.Metric) && (whole || long(r.Metric) == 0)
}

// agree reports whether the model API's reading may be the export's, which is
// exact. An integer of the export may be a float without a fraction.
func agree(shown, exact schema.Reading) bool {
	if shown.Metric != exact.Metric {
		return false
	}
	return shown.Value == exact.Value || shown.Value.CutFrom(exact.Value) || long(shown.Metric) == 1 && shown.Value == schema.Int(0)
}

// hear strikes out the namespaces whose pods and containers the model API shows
// with other values.
func (a *attribution) hear(t testimony) {
	for _, c := range a.claims {
		if c.namespace != "" {
			continue
		}
		c.open = slices.DeleteFunc(c.open, func(namespace string) bool {
			return slices.ContainsFunc(c.sets, func(set *schema.Exported) bool {
				return slices.ContainsFunc(set.Rows, func(row schema.Row) bool {
					row.Entity.Namespace = namespace
					return t.contradicts(row)
				})
			})
		})
	}
}

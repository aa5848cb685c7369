package metricexport

import (
	"slices"

	"heapstash/schema"
)

// Evidence is what the model API shows of one batch. Metric-export shows the
// same values, so that different values distinguish entities of one name.
type Evidence struct {
	At schema.Instant
	// Answered are the entities whose requests were all answered: a value that
	// is not in Shown is not in the batch.
	Answered map[schema.Entity]bool
	Shown    map[schema.Entity][]schema.Reading
	// Unkept are entities that have values in the batch, which Shown leaves out.
	Unkept map[schema.Entity]bool
}

// NewEvidence returns evidence without any values.
func NewEvidence(at schema.Instant) Evidence {
	return Evidence{
		At:       at,
		Answered: make(map[schema.Entity]bool),
		Shown:    make(map[schema.Entity][]schema.Reading),
		Unkept:   make(map[schema.Entity]bool),
	}
}

// contradicts reports whether the claim cannot be the namespace's: the model API
// shows other values there.
func (e Evidence) contradicts(c *Claim, namespace string) bool {
	return slices.ContainsFunc(c.Sets, func(set *schema.Exported) bool {
		return slices.ContainsFunc(set.Rows, func(row schema.Row) bool {
			row.Entity.Namespace = namespace
			return e.contradictsRow(row)
		})
	})
}

// contradictsRow reports whether the row cannot be of the entity that it names.
func (e Evidence) contradictsRow(row schema.Row) bool {
	if row.At != e.At || !e.Answered[row.Entity] || e.Unkept[row.Entity] {
		return false
	}
	shown := e.Shown[row.Entity]
	return slices.ContainsFunc(row.Readings, func(r schema.Reading) bool {
		return isShownToo(row.Entity, r) && !slices.ContainsFunc(shown, func(s schema.Reading) bool { return agree(s, r) })
	})
}

// isShownToo reports whether the model API shows the exported value too. It does
// not show floats of the metrics that Heapster keeps for long.
func isShownToo(e schema.Entity, r schema.Reading) bool {
	if e.Labels != "" {
		return true
	}
	_, whole := r.Value.Int64()
	return schema.IsCommon(e.Kind, r.Metric) && (whole || !schema.IsLong(r.Metric))
}

// agree reports whether the model API's value may be the exported one, which is
// exact. An exported integer may be a float without a fraction.
func agree(shown, exact schema.Reading) bool {
	if shown.Metric != exact.Metric {
		return false
	}
	return shown.Value == exact.Value || shown.Value.CutFrom(exact.Value) || schema.IsLong(shown.Metric) && shown.Value == schema.Int(0)
}

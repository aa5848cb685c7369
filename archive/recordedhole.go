package archive

import "heapstash/schema"

// RecordedHole is a [Hole] in the ledger.
type RecordedHole struct {
	Cluster string         `json:"cluster"`
	Pass    PassID         `json:"pass"`
	Started schema.Instant `json:"started"` // of the pass, on the local clock
	// Scope is the result of [Hole.Scope].
	Scope  string            `json:"scope"`
	Metric schema.MetricName `json:"metric,omitempty"` // empty for all
	Cause  Cause             `json:"cause"`
	Detail string            `json:"detail"`
	// From and To bound the missing time, both included, on Heapster's clock; None if
	// no time is known to be missing.
	From    schema.Instant `json:"from"`
	To      schema.Instant `json:"to"`
	Seconds int64          `json:"seconds"` // from From to To, 0 if that is not known
	Lasting bool           `json:"lasting"`
}

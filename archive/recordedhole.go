package archive

import "heapstash/schema"

// RecordedHole is a [Hole] as the ledger has it.
type RecordedHole struct {
	Cluster string         `json:"cluster"`
	Pass    PassID         `json:"pass"`
	Started schema.Instant `json:"started"` // of the pass, on the local clock
	// Scope is where, for people: a kind and a name, an entity, or "pass".
	Scope  string            `json:"scope"`
	Metric schema.MetricName `json:"metric,omitempty"` // empty for all
	Cause  Cause             `json:"cause"`
	Detail string            `json:"detail"`
	// From and To bound the time that is missing, closed at both ends and on
	// Heapster's clock; None where no time is known to be lost.
	From    schema.Instant `json:"from"`
	To      schema.Instant `json:"to"`
	Seconds int64          `json:"seconds"` // from From to To, 0 where that is not known
	Lasting bool           `json:"lasting"`
}

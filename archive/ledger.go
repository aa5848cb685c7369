package archive

import (
	"time"

	"heapstash/schema"
)

// Cause is the ledger's word for why something is missing.
type Cause string

// The causes.
const (
	CauseLate          Cause = "late"          // Heapster had evicted it before the pass came
	CauseFailed        Cause = "failed"        // the same, because passes before failed
	CauseUnreachable   Cause = "unreachable"   // no answer
	CauseRefused       Cause = "refused"       // 401, 403, or a proxy that rejects the path
	CauseNotFound      Cause = "not_found"     // no such path or service
	CauseProtocol      Cause = "protocol"      // an answer that Heapster does not give
	CauseUnaddressable Cause = "unaddressable" // no URL can name it
	CauseStale         Cause = "stale"         // Heapster's newest batch is old
	CauseEmpty         Cause = "empty"         // Heapster has no batch at all
	CauseRestarted     Cause = "restarted"     // Heapster forgot what it held
	CauseClock         Cause = "clock"         // Heapster's clock was set back, or is far ahead
	CauseAllKeys       Cause = "allkeys"       // debug/allkeys is refused; the lists are used
	CauseExport        Cause = "export"        // metric-export is disabled or refused; see its detail
	CauseEnrich        Cause = "enrich"        // the Kubernetes API did not answer; see its detail
	CauseSkipped       Cause = "skipped"       // metric-export had skipped it, and nothing else has it
	CauseBudget        Cause = "budget"        // the pass's time was up
)

// Hole is something that a pass could not have, with its cause.
type Hole struct {
	// Entity tells where, as exactly as is known: a hole of a whole
	// namespace's pods has the kind and the namespace. The zero kind means
	// the whole pass.
	Entity schema.Entity `json:"-"`
	// Metric is set where a single metric is missing.
	Metric schema.MetricName `json:"metric,omitempty"`
	Cause  Cause             `json:"cause"`
	// Detail is a line for people.
	Detail string `json:"detail,omitempty"`
	// Hint says what to do about it. It is not in the archive.
	Hint string `json:"hint,omitempty"`
	// Window is the time that is missing, closed at both ends; zero where it
	// is not known or nothing is lost yet.
	Window schema.Window `json:"window,omitzero"`
	// Lasting marks a limitation that stays until somebody mends it. It is
	// recorded once, and does not make the pass incomplete.
	Lasting bool `json:"lasting,omitempty"`
}

// Scope names the place for people: an entity's key, or "pass".
func (h Hole) Scope() string {
	switch {
	case h.Entity.Kind == 0:
		return "pass"
	case h.Entity == (schema.Entity{Kind: h.Entity.Kind, Namespace: h.Entity.Namespace, Node: h.Entity.Node}):
		return h.Entity.Scope().String()
	default:
		return h.Entity.String()
	}
}

// Incomplete reports whether the hole makes its pass incomplete. A lasting
// limitation does not, nor does a clock set back, for nothing is missing then.
func (h Hole) Incomplete() bool { return !h.Lasting && h.Cause != CauseClock }

// PassID numbers the passes of one archive, from 1.
type PassID int64

// Outcome is how a pass ended.
type Outcome string

// The outcomes.
const (
	OutcomeRunning   Outcome = "running"   // it has not ended
	OutcomeComplete  Outcome = "complete"  // nothing is missing but what lasts
	OutcomePartial   Outcome = "partial"   // it has holes; what was read is stored
	OutcomeFailed    Outcome = "failed"    // nothing could be read, or the archive failed
	OutcomeAbandoned Outcome = "abandoned" // its process died
)

// Pass is one pass's line in the ledger. Times are the local clock's, in UTC.
type Pass struct {
	ID       PassID
	Cluster  string
	Version  string // of heapstash
	Started  time.Time
	Finished time.Time
	Outcome  Outcome
	Error    string // why it failed
	Tally
	// Newest is the newest sample's time that the pass read; Horizon the
	// newest batch that was whole when it began. Both are Heapster's clock.
	Newest  schema.Instant
	Horizon schema.Instant
	// Gap is the time of the cluster series that was lost since the pass
	// before.
	Gap time.Duration
}

// Tally counts what a pass moved.
type Tally struct {
	Requests   int64 // sent, retries included
	Bytes      int64 // of bodies received, as they came over the wire
	Entities   int   // that were asked for
	New        int   // samples that the archive did not have
	Duplicates int   // samples that it had, with the same value
	Conflicts  int   // samples that it had with another value: the first one stays
}

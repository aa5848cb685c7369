package archive

import (
	"time"

	"heapstash/schema"
)

// Cause is the cause of a [Hole].
type Cause string

// The causes.
const (
	CauseLate          Cause = "late"          // Heapster had evicted the samples before the pass
	CauseFailed        Cause = "failed"        // the same, because earlier passes failed
	CauseUnreachable   Cause = "unreachable"   // no answer
	CauseRefused       Cause = "refused"       // 401, 403, or a proxy that rejects the path
	CauseNotFound      Cause = "not_found"     // no such path or service
	CauseProtocol      Cause = "protocol"      // an answer that is not Heapster's
	CauseUnaddressable Cause = "unaddressable" // no URL can name the metric or entity
	CauseStale         Cause = "stale"         // Heapster's newest batch is old
	CauseEmpty         Cause = "empty"         // Heapster has no batch at all
	CauseRestarted     Cause = "restarted"     // Heapster restarted and lost its samples
	CauseClock         Cause = "clock"         // Heapster's clock was set back, or is far ahead
	CauseAllKeys       Cause = "allkeys"       // debug/allkeys is refused; the lists are used
	CauseExport        Cause = "export"        // metric-export is disabled or refused; see its detail
	CauseEnrich        Cause = "enrich"        // the Kubernetes API did not answer; see its detail
	CauseSkipped       Cause = "skipped"       // metric-export skipped the samples, and no other API has them
	CauseBudget        Cause = "budget"        // the pass's time was up
)

// Hole records that a pass could not read something, and why.
type Hole struct {
	// Entity is as exact as is known: for all pods of a namespace it has the kind and
	// the namespace. The zero kind means the whole pass.
	Entity schema.Entity `json:"-"`
	// Metric is set if a single metric is missing.
	Metric schema.MetricName `json:"metric,omitempty"`
	Cause  Cause             `json:"cause"`
	// Detail is a line for people.
	Detail string `json:"detail,omitempty"`
	// Hint says what to do. It is not in the archive.
	Hint string `json:"hint,omitempty"`
	// Window is the missing time, both ends included; zero if it is not known or
	// nothing is lost yet.
	Window schema.Window `json:"window,omitzero"`
	// Lasting marks a permanent limitation. It is recorded once, and does not make the
	// pass incomplete.
	Lasting bool `json:"lasting,omitempty"`
}

// Scope names the entity or scope for people, or returns "pass".
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

// Incomplete reports whether the hole makes its pass incomplete. Lasting holes do not,
// nor does [CauseClock], because nothing is missing.
func (h Hole) Incomplete() bool { return !h.Lasting && h.Cause != CauseClock }

// PassID numbers the passes of an archive, from 1.
type PassID int64

// Outcome is how a pass ended.
type Outcome string

// The outcomes.
const (
	OutcomeRunning   Outcome = "running"   // it has not ended
	OutcomeComplete  Outcome = "complete"  // it has no holes, except lasting ones
	OutcomePartial   Outcome = "partial"   // it has holes; the samples that it read are stored
	OutcomeFailed    Outcome = "failed"    // nothing could be read, or the archive failed
	OutcomeAbandoned Outcome = "abandoned" // its process died
)

// Pass is a pass's row in the ledger. Its [time.Time]s are on the local clock, in UTC.
type Pass struct {
	ID       PassID
	Cluster  string
	Version  string // of heapstash
	Started  time.Time
	Finished time.Time
	Outcome  Outcome
	Error    string // why it failed
	Tally
	// Newest is the time of the newest sample that the pass read, Horizon the time of
	// the newest batch that was whole when it began. Both are on Heapster's clock.
	Newest  schema.Instant
	Horizon schema.Instant
	// Gap is how much of the cluster's series was lost since the previous pass.
	Gap time.Duration
}

// Tally counts a pass's requests and samples.
type Tally struct {
	Requests   int64 // sent, retries included
	Bytes      int64 // of bodies received, as sent over the network
	Entities   int   // asked for
	New        int   // samples that the archive did not have
	Duplicates int   // samples that it had with the same value
	Conflicts  int   // samples that it had with another value: the first one stays
}

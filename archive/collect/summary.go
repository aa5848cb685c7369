package collect

import (
	"encoding/json"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Summary is what a pass did.
type Summary struct {
	Pass  archive.Pass
	Holes []archive.Hole

	// Archive is the path or URL of the archive, and NewArchive is set if the pass
	// made it. The caller that opened the store sets them.
	Archive    string
	NewArchive bool
}

// Complete reports whether the pass read everything that Heapster has.
func (s Summary) Complete() bool { return s.Pass.Outcome == archive.OutcomeComplete }

// MarshalJSON writes the summary as `collect --json` prints it. Times are
// RFC 3339 in UTC; newest and horizon are Heapster's clock, or null.
func (s Summary) MarshalJSON() ([]byte, error) {
	type hole struct {
		Scope string `json:"scope"` // as in kind/name; "pass" for all of it
		archive.Hole
	}
	holes := make([]hole, len(s.Holes))
	for i, h := range s.Holes {
		holes[i] = hole{h.Scope(), h}
	}
	p := s.Pass
	return json.Marshal(struct {
		MessageType string          `json:"message_type"`
		Cluster     string          `json:"cluster"`
		Pass        archive.PassID  `json:"pass"`
		Outcome     archive.Outcome `json:"outcome"`
		Error       string          `json:"error,omitempty"`
		Started     time.Time       `json:"started"`
		Finished    time.Time       `json:"finished"`
		Requests    int64           `json:"requests"`
		Bytes       int64           `json:"bytes"`
		Entities    int             `json:"entities"`
		New         int             `json:"samples_new"`
		Duplicates  int             `json:"samples_duplicate"`
		Conflicts   int             `json:"conflicts"`
		Holes       []hole          `json:"holes"`
		Newest      schema.Instant  `json:"newest"`
		Horizon     schema.Instant  `json:"horizon"`
		GapSeconds  int64           `json:"gap_seconds"`
		Archive     string          `json:"archive,omitempty"`
		NewArchive  bool            `json:"new_archive,omitempty"`
	}{
		"summary", p.Cluster, p.ID, p.Outcome, p.Error, p.Started.UTC(), p.Finished.UTC(), p.Requests, p.Bytes,
		p.Entities, p.New, p.Duplicates, p.Conflicts, holes, p.Newest, p.Horizon, int64(p.Gap.Seconds()), s.Archive, s.NewArchive,
	})
}

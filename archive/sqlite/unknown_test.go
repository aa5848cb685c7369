package sqlite_test

import (
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite/read"
	"heapstash/schema"
)

// TestExamineCountsPodsWithoutAnIncarnation: those that a hole explains, until
// they have one.
func TestExamineCountsPodsWithoutAnIncarnation(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	pods := []schema.Entity{schema.PodEntity("blue", "db-0"), schema.PodEntity("green", "db-0"), schema.PodEntity("shop", "web-0")}
	holes := []archive.Hole{
		{Entity: schema.Entity{Kind: schema.Pod, Namespace: "blue"}, Cause: archive.CauseExport, Lasting: true},
		{Entity: schema.Entity{Kind: schema.Pod, Namespace: "green"}, Cause: archive.CauseExport, Lasting: true},
	}
	for i, b := range []archive.Batch{
		{Appeared: pods, Holes: holes},
		{Identities: []schema.Identity{{Pod: pods[1], UID: "1", Since: noon}}},
		{Vanished: map[schema.Entity]schema.Instant{pods[0]: noon}},
	} {
		b.Pass, b.Cluster, b.Seen = begin(t, s), "default", noon
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		x, err := read.Examine(t.Context(), path, "default")
		if err != nil || x.Err != nil || x.Unknown != 2-i {
			t.Errorf("after step %d: %d, %v, %v", i, x.Unknown, x.Err, err)
		}
	}
}

package collect_test

import (
	"testing"

	"heapstash/archive"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// TestLabelsThatAreSpelledAlike: two series whose labels have the same text are
// not mixed, and the ledger has what was left out. A label with a comma is
// archived from the export, because no request can name it.
func TestLabelsThatAreSpelledAlike(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	for minute := range 3 {
		sets := small(minute)
		for i, l := range []heapsim.Labelled{
			{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/mnt/a"}},
			{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/mnt/a,b:c"}},
			{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/mnt/a", "s": "c"}}, // is the file system /mnt/a,s:c
			{Metric: "disk/io_read_bytes", Labels: map[string]string{"a": "1,b:2"}},
			{Metric: "disk/io_read_bytes", Labels: map[string]string{"a": "1", "b": "2"}},
		} {
			l.Value = schema.Int(int64(100*i + minute))
			sets[1].Labelled = append(sets[1].Labelled, l)
		}
		w.feed(minute, sets...)
		w.pass(archive.OutcomeComplete, 4+3)
	}
	w.want("SELECT labels, metric, group_concat(value) FROM samples WHERE labels IS NOT NULL GROUP BY labels, metric ORDER BY 1, 2",
		"a:1,b:2|disk/io_read_bytes|400,401,402\nresource_id:/mnt/a|filesystem/usage|0,1,2\nresource_id:/mnt/a,b:c|filesystem/usage|100,101,102")
	w.want("SELECT resource_id, count(*) FROM filesystem GROUP BY 1 ORDER BY 1", "/mnt/a|3\n/mnt/a,b:c|3")
	w.want("SELECT count(*) FROM conflicts", "0")
	w.want("SELECT kind, node, labels, cause, lasting, detail FROM holes WHERE cause = 'unaddressable'",
		`node|n1||unaddressable|1|2 sets of resource labels have the same text as other sets, and were left out; the first is "a:1,b:2"`)
}

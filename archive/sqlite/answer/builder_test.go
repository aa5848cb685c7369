package answer

import (
	"fmt"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

func TestLiteralQuotes(t *testing.T) {
	const day = schema.Instant(1506470400) // 2017-09-27T00:00:00Z
	q := query.Query{
		Metric: schema.Metric{Name: "custom/it's"}, Kind: schema.Pod, Filter: archive.Filter{Namespaces: []string{"a'; DROP TABLE x --"}},
		Aggs: []query.Agg{query.Avg}, From: day, To: day + 3600,
	}
	p, err := q.Plan(query.Coverage{Entities: 1, Levels: map[archive.Level]query.Span{archive.Raw: {From: day, To: day + 7200}}})
	if err != nil {
		t.Fatal(err)
	}
	s := plan{p}.statement()
	if strings.Contains(s.text, "DROP") || strings.Contains(s.text, "it's") {
		t.Errorf("what comes from outside is in the text:\n%s", s.text)
	}
	for _, want := range []string{"metric = 'custom/it''s'", "namespace = 'a''; DROP TABLE x --'", fmt.Sprint("ts >= ", int64(day))} {
		if !strings.Contains(s.literal(), want) {
			t.Errorf("no %q in\n%s", want, s.literal())
		}
	}
}

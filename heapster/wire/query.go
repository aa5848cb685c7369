package wire

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"heapstash/schema"
)

// Query is the part of a URL behind the question mark, in a request for points.
type Query struct {
	// Start and End are the first and the last moment asked for, both included.
	// The zero time leaves an end open: Heapster then takes its own now for End,
	// so that no other clock can cut off data.
	Start, End time.Time
	// Labels are a labelled series' resource labels, whole and exact.
	Labels map[string]string
}

// NewQuery returns the query for the points of one series from start on. Its
// labels are spelled as in [schema.Entity]. The error is an
// [UnaddressableError]: Heapster would take the labels for others, because it
// ends a pair at each comma.
func NewQuery(m schema.MetricName, spelled string, start schema.Instant) (Query, error) {
	q := Query{Start: start.Time()}
	if spelled == "" {
		return q, nil
	}
	labels, ok := m.ReadLabels(spelled)
	for _, value := range labels {
		ok = ok && !strings.Contains(value, ",")
	}
	if !ok {
		return Query{}, &UnaddressableError{Name: spelled, Reason: "a label with a comma"}
	}
	q.Labels = labels
	return q, nil
}

// String spells the query with its question mark. It is empty if the query asks
// for everything.
func (q Query) String() string {
	values := url.Values{}
	for key, moment := range map[string]time.Time{"start": q.Start, "end": q.End} {
		if !moment.IsZero() {
			values.Set(key, moment.UTC().Format(time.RFC3339Nano))
		}
	}
	if len(q.Labels) > 0 {
		values.Set("labels", schema.SpellLabels(q.Labels))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// ParseQuery is the inverse of String. Its error is Heapster's own text, for an
// answer with status 400.
func ParseQuery(values url.Values) (q Query, err error) {
	if q.Start, err = parseTime(values.Get("start")); err != nil {
		return Query{}, err
	}
	if q.End, err = parseTime(values.Get("end")); err != nil {
		return Query{}, err
	}
	labels := values.Get("labels")
	if labels == "" {
		return q, nil
	}
	q.Labels = make(map[string]string)
	for pair := range strings.SplitSeq(labels, ",") {
		key, value, _ := strings.Cut(pair, ":")
		if key == "" || value == "" {
			return Query{}, fmt.Errorf("invalid label pair %q", pair)
		}
		q.Labels[key] = value
	}
	return q, nil
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("timestamp argument cannot be parsed: %w", err)
	}
	return t, nil
}

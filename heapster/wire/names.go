package wire

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"heapstash/schema"
)

// Names reads a page of names: of entities, or their keys. Heapster lists them in
// another order at each request; here they are sorted, each once.
func (dec *Decoder) Names() ([]string, error) { return names[string](dec) }

// MetricNames reads a NamesPage. The names are sorted, each once.
func (dec *Decoder) MetricNames() ([]schema.MetricName, error) {
	names, err := names[schema.MetricName](dec)
	count := 0
	for range names {
		err = cmp.Or(err, dec.limits.countMetrics(&count))
	}
	return names, err
}

func names[N ~string](dec *Decoder) ([]N, error) {
	var names []N
	err := dec.Value(&names)
	for _, name := range names {
		err = cmp.Or(err, checkName(string(name)))
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// WriteNames writes a page of names, in their order.
func WriteNames[N ~string](w io.Writer, names []N) error {
	if names == nil {
		names = []N{}
	}
	return writeIndented(w, names)
}

// writeIndented writes what Heapster does not write compactly.
func writeIndented(w io.Writer, answer any) error {
	text, err := json.MarshalIndent(answer, " ", " ")
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

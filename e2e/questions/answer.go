package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"heapstash/e2e/rig"
)

// answer has the values of each key of an answer. NaN stands for no value.
type answer map[string][]float64

// parseCSV parses the output of sqlite3 and heapstash: columns of keys, then of
// values.
func parseCSV(text string, keys int) (answer, error) {
	rows := csv.NewReader(strings.NewReader(text))
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return answer{}, nil
	}
	if err != nil || len(header) <= keys {
		return nil, fmt.Errorf("no columns of values: %v, %w", header, err)
	}
	a := make(answer)
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		values := make([]float64, 0, len(row)-keys)
		for _, cell := range row[keys:] {
			v := math.NaN()
			if cell != "" {
				if v, err = strconv.ParseFloat(cell, 64); err != nil {
					return nil, err
				}
			}
			values = append(values, v)
		}
		a[strings.Join(row[:keys], "/")] = values
	}
}

// joinInflux joins InfluxDB's answers to several statements.
func joinInflux(statements [][]rig.InfluxSeries) (answer, error) {
	a := make(answer)
	for i, series := range statements {
		for _, s := range series {
			for _, row := range s.Values {
				key, value := fmt.Sprint(row[0]), row[1]
				switch {
				case len(s.Tags) > 0:
					key = s.Tags["namespace_name"] + "/" + s.Tags["pod_name"]
				case len(row) > 2: // top()
					key = fmt.Sprint(row[2])
				}
				v, err := strconv.ParseFloat(fmt.Sprint(value), 64)
				if err != nil {
					return nil, err
				}
				for len(a[key]) < i {
					a[key] = append(a[key], math.NaN())
				}
				a[key] = append(a[key], v)
			}
		}
	}
	return a, nil
}

// compare returns the number of values, and the keys of rows that differ. Sums of
// floats may differ in the last digits.
func compare(a, b answer) (values int, differ []string, err error) {
	if len(a) != len(b) {
		return 0, nil, fmt.Errorf("%d rows, and %d", len(a), len(b))
	}
	for key, these := range a {
		others, is := b[key]
		if !is || len(others) != len(these) {
			return 0, nil, fmt.Errorf("%s: %v, and %v", key, these, others)
		}
		values += len(these)
		if !slices.EqualFunc(these, others, same) {
			differ = append(differ, key)
		}
	}
	slices.Sort(differ)
	return values, differ, nil
}

func same(v, w float64) bool {
	return math.IsNaN(v) && math.IsNaN(w) || math.Abs(v-w) <= 1e-9*math.Max(math.Abs(v), math.Abs(w))
}

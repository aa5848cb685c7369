package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// family is an OpenMetrics metric family: metrics with the same name in OpenMetrics. It
// has one metric, except for odd names.
type family struct {
	name    string // without _total
	metrics []schema.MetricName
}

// families returns the families of the selected metrics. It groups all metrics, so that
// a family does not depend on the selection.
func families(all, selected []schema.MetricName) []family {
	byName := make(map[string]*family)
	for _, m := range all {
		name := familyName(m)
		if byName[name] == nil {
			byName[name] = &family{name: name}
		}
		byName[name].metrics = append(byName[name].metrics, m)
	}
	var found []family
	for _, f := range byName {
		if slices.ContainsFunc(f.metrics, func(m schema.MetricName) bool { return slices.Contains(selected, m) }) {
			found = append(found, *f)
		}
	}
	slices.SortFunc(found, func(a, b family) int { return strings.Compare(a.name, b.name) })
	return found
}

// familyName returns a metric's name in OpenMetrics. Names of families must not end in
// _total, the suffix of counters' samples.
func familyName(m schema.MetricName) string {
	return strings.TrimSuffix("heapster_"+labelName(string(m)), "_total")
}

// labelName replaces characters that OpenMetrics does not allow in names with _.
func labelName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return '_'
	}, text)
}

// describe returns the name of the family's samples and the family's head. A family of
// several metrics has no type, and its samples have the label metric.
func (f family) describe() (sample, head string) {
	name := f.metrics[0]
	kind, help, unit := "unknown", fmt.Sprintf("Heapster's %s, of a type that is not known.", name), ""
	sample = "heapster_" + labelName(string(name))
	family := sample
	if m, known := schema.Lookup(name); len(f.metrics) > 1 {
		family, sample, help = f.name, f.name, "Several of Heapster's metrics: see the label metric."
	} else if known {
		kind, help = "gauge", describeMetric(m)
		if m.Type == schema.Cumulative {
			kind, family, sample = "counter", f.name, f.name+"_total"
		}
		// OpenMetrics allows a unit only if the name ends in it.
		if m.Unit == schema.Bytes && strings.HasSuffix(family, "_bytes") {
			unit = fmt.Sprintf("# UNIT %s %s\n", family, m.Unit)
		}
	}
	return sample, fmt.Sprintf("# TYPE %s %s\n%s# HELP %[1]s %[4]s\n", family, kind, unit, escape(help))
}

// describeMetric returns the help text of a metric.
func describeMetric(m schema.Metric) string {
	text := fmt.Sprintf("%s Heapster's %s", m.Description, m.Name)
	if m.Unit != schema.Count {
		text += ", in " + string(m.Unit)
	}
	switch {
	case m.Part != "":
		return fmt.Sprintf("%s, made anew of %s and %s, because its model API cuts it.", text, m.Part, m.Whole)
	case m.Caution() != "":
		return text + ". " + m.Caution()
	default:
		return text + "."
	}
}

// describeRollup is describe for a statistic of hours or days. All statistics are
// gauges; their time is the begin of the hour or day.
func (f family) describeRollup(level archive.Level, statistic archive.Statistic) (sample, head string) {
	help := "Heapster's " + string(f.metrics[0]) + "."
	if m, known := schema.Lookup(f.metrics[0]); len(f.metrics) > 1 {
		help = "Several of Heapster's metrics: see the label metric."
	} else if known {
		help = describeMetric(m)
	}
	sample = fmt.Sprintf("%s_%s_%s", f.name, level, statistic)
	return sample, fmt.Sprintf("# TYPE %s gauge\n# HELP %[1]s The column %s of the view samples_%s. %s\n", sample, statistic, level, escape(help))
}

// escape escapes label values and help texts.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace

// writeOpenMetrics writes OpenMetrics' text format. It reads metric by metric, because
// a family's samples must be together, and a series' samples in time order.
func writeOpenMetrics(ctx context.Context, w io.Writer, from archive.Samples, selection archive.Selection, opts Options) (Result, error) {
	o := &openMetrics{w: w}
	all := from.Names()
	selected := slices.DeleteFunc(slices.Clone(all), func(m schema.MetricName) bool { return !selection.MatchesMetric(m) })
	statistics := []archive.Statistic{""}
	if selection.Level != archive.Raw {
		statistics = archive.Statistics()
	}
	done := 0
	for _, f := range families(all, selected) {
		if opts.Step != nil {
			opts.Step(string(f.metrics[0]), done, len(selected))
		}
		metrics := slices.DeleteFunc(slices.Clone(f.metrics), func(m schema.MetricName) bool { return !slices.Contains(selected, m) })
		done += len(metrics)
		o.shared = len(f.metrics) > 1
		for _, statistic := range statistics {
			if statistic == "" {
				o.sample, o.head = f.describe()
			} else {
				o.sample, o.head = f.describeRollup(selection.Level, statistic)
				selection.Statistics = []archive.Statistic{statistic}
			}
			for _, m := range metrics {
				selection.Metrics = []string{schema.Verbatim(string(m))}
				if err := o.write(ctx, from, selection); err != nil {
					return o.result, err
				}
			}
		}
	}
	_, err := io.WriteString(w, "# EOF\n")
	return o.result, err
}

// openMetrics writes the lines of a family.
type openMetrics struct {
	w      io.Writer
	sample string // name of the family's samples
	head   string // of the family, empty once written
	shared bool   // the family has several metrics
	result Result
	series []byte // the line up to the value
	text   []byte // the line
}

// write writes the family's head and the selected series, which have one column each.
func (o *openMetrics) write(ctx context.Context, from archive.Samples, selection archive.Selection) error {
	for s, err := range from.Series(ctx, selection) {
		if err == nil && o.head != "" {
			_, err = io.WriteString(o.w, o.head)
			o.head = ""
		}
		if err != nil {
			return err
		}
		o.begin(s)
		for sample := range s.Samples {
			if err := o.line(sample); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin builds the beginning of a series' lines: the name and labels.
func (o *openMetrics) begin(s *archive.Series) {
	e := s.Entity
	o.series = append(append(o.series[:0], o.sample...), '{')
	for _, label := range append([][2]string{
		{"cluster", s.Cluster}, {"kind", e.Kind.String()},
		{"namespace", e.Namespace}, {"pod", e.Pod}, {"container", e.Container}, {"node", e.Node},
	}, labelPairs(e.Labels)...) {
		o.label(label[0], label[1])
	}
	if o.shared {
		o.label("metric", string(s.Columns[0].Metric))
	}
	o.series[len(o.series)-1] = '}' // replaces the last comma
	o.series = append(o.series, ' ')
}

// label appends a label, unless it is empty: OpenMetrics treats empty labels as absent.
func (o *openMetrics) label(name, value string) {
	if value != "" {
		o.series = append(append(o.series, labelName(name)...), `="`...)
		o.series = append(append(o.series, escape(value)...), `",`...)
	}
}

// line writes a sample.
func (o *openMetrics) line(s archive.Sample) error {
	o.text = append(o.text[:0], o.series...)
	if i, ok := s.Value.Int64(); ok {
		o.text = strconv.AppendInt(o.text, i, 10)
	} else {
		o.text = strconv.AppendFloat(o.text, s.Value.Float64(), 'g', -1, 64)
	}
	o.text = strconv.AppendInt(append(o.text, ' '), int64(s.At), 10)
	o.text = append(o.text, '\n')
	o.result.Samples++
	_, err := o.w.Write(o.text)
	return err
}

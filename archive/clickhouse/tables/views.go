package tables

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/schema"
)

type view struct{ name, query string }

// tableNames returns the full name of a table.
type tableNames func(table string) string

// views returns every view. FINAL is inside, so that each row is there once.
func (d Dialect) views(l Layout) []view {
	var all []view
	for _, t := range l.Wide {
		all = append(all, view{t.Name, t.wideView(d.Name)})
	}
	if d.Windows {
		for _, t := range l.Wide {
			if query := t.ratesView(d.Name); query != "" {
				all = append(all, view{t.Name + "_rates", query})
			}
		}
	}
	return append(append(all, view{"samples", samplesView(l, d.Name)}), l.ledgerViews(d.Name)...)
}

// timeParts computes the date of ts, UTC, by the calendar's rules: DateTime ends in 2106.
// Years begin in March here, so that a leap day is the last day of its year.
const timeParts = `WITH intDiv(ts, 86400) + 719468 AS t_day,
  intDiv(t_day, 146097) AS t_era,
  t_day - 146097 * t_era AS t_eraday,
  intDiv(t_eraday - intDiv(t_eraday, 1460) + intDiv(t_eraday, 36524) - intDiv(t_eraday, 146096), 365) AS t_erayear,
  t_eraday - (365 * t_erayear + intDiv(t_erayear, 4) - intDiv(t_erayear, 100)) AS t_yearday,
  intDiv(5 * t_yearday + 2, 153) AS t_marchmonth
`

// timeText is the time of ts in RFC 3339, with the names of timeParts. A number plus 100
// has a leading 1 before its two digits.
var timeText = "concat(" + strings.Join([]string{
	"toString(t_erayear + 400 * t_era + (t_marchmonth >= 10))", "'-'",
	twoDigits("(t_marchmonth + 2) % 12 + 1"), "'-'",
	twoDigits("t_yearday - intDiv(153 * t_marchmonth + 2, 5) + 1"), "'T'",
	twoDigits("intDiv(ts % 86400, 3600)"), "':'",
	twoDigits("intDiv(ts % 3600, 60)"), "':'",
	twoDigits("ts % 60"), "'Z'",
}, ", ") + ")"

func twoDigits(number string) string { return "substring(toString(100 + " + number + "), 2)" }

// timeOf is timeText of another column. Servers differ in what %M means.
func timeOf(column string) string {
	return "if(" + column + " IS NULL, NULL, formatDateTime(toDateTime(assumeNotNull(" + column + "), 'UTC'), '%FT%TZ'))"
}

// nameColumns returns the columns of the table's views with the entity's names and
// labels.
func (t *Table) nameColumns() []string {
	if t.Family == schema.Unlabelled {
		return append([]string{"cluster"}, t.Kind.NameColumns()...)
	}
	return append(append([]string{"cluster", "kind"}, nullable("node", "namespace", "pod", "container")...), labelColumns(t.Family)...)
}

// wideView selects the table's rows for its own view.
func (t *Table) wideView(full tableNames) string {
	columns := append(t.nameColumns(), "ts", timeText+" AS time")
	for _, m := range t.Metrics {
		columns = append(columns, m.Column())
	}
	for i, m := range t.Metrics {
		if m.Part != "" {
			columns = append(columns, t.Ratio(i)+" AS "+m.Derived())
		}
	}
	return timeParts + "SELECT " + strings.Join(columns, ",\n  ") + "\nFROM " + full(t.Rows()) + " FINAL"
}

// ratesView has each counter's growth per second since the previous row, with the fraction
// that Heapster's own *_rate loses. A counter that fell was reset to 0. It is empty for a
// table without counters.
func (t *Table) ratesView(full tableNames) string {
	columns := append(t.nameColumns(), "ts", timeText+" AS time")
	counters := 0
	for _, m := range t.Metrics {
		if m.Type == schema.Cumulative && m.Name != "uptime" && m.Name != "restart_count" {
			columns = append(columns, fmt.Sprintf("if(%[1]s < lagInFrame(%[1]s) OVER before, %[1]s, %[1]s - lagInFrame(%[1]s) OVER before) / (ts - lagInFrame(ts) OVER before) AS derived_%[1]s_per_second", m.Column()))
			counters++
		}
	}
	if counters == 0 {
		return ""
	}
	key := t.KeyNames()
	return timeParts + "SELECT " + strings.Join(columns, ",\n  ") + "\nFROM " + full(t.Rows()) + " FINAL\nWINDOW before AS (PARTITION BY " +
		joined(key[:len(key)-1]) + " ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
}

// Ratio returns the expression of a ratio that Heapster's model API cuts to 0 or 1:
// Heapster's two numbers, divided. If one is missing, it is the stored ratio if that is a
// float, because Heapster has not cut floats, and else NULL.
func (t *Table) Ratio(i int) string {
	column := func(name schema.MetricName) string { return schema.Metric{Name: name}.Column() }
	m := t.Metrics[i]
	return fmt.Sprintf("ifNull(%s / nullIf(%s, 0), %s)", column(m.Part), column(m.Whole), t.Float(i))
}

// Integer returns the expression of the i-th metric's value, NULL unless Heapster gave an
// integer.
func (t *Table) Integer(i int) string {
	column := t.Metrics[i].Column()
	if bit := t.Bit(i); bit != 0 {
		return fmt.Sprintf("if(bitAnd(%s, %d) = 0, NULL, toInt64(%s))", Integers, bit, column)
	}
	return column
}

// Float returns the expression of the i-th metric's value, NULL unless Heapster gave a
// float.
func (t *Table) Float(i int) string {
	if bit := t.Bit(i); bit != 0 {
		return fmt.Sprintf("if(bitAnd(%s, %d) = 0, %s, NULL)", Integers, bit, t.Metrics[i].Column())
	}
	return "CAST(NULL AS " + maybeFloat + ")"
}

// nullable returns columns with NULL instead of an empty text.
func nullable(columns ...string) []string {
	var all []string
	for _, c := range columns {
		all = append(all, "nullIf("+c+", '') AS "+c)
	}
	return all
}

// labelColumns returns a column for each key of a family's label set.
func labelColumns(f schema.Family) []string {
	var columns []string
	for _, key := range f.LabelKeys() {
		columns = append(columns, LabelValue(f, key)+" AS "+key)
	}
	return columns
}

// LabelValue returns the expression of a key's value in a family's label set. A set has
// key:value pairs in key order, joined by commas. A value may have commas: it ends where
// the family's next key begins. In a set with other keys it ends at a comma, and a
// missing key is NULL.
func LabelValue(f schema.Family, key string) string {
	keys := f.LabelKeys()
	pattern := func(wanted string) string {
		var b strings.Builder
		b.WriteString(`^`)
		for i, key := range keys {
			value := `[\s\S]*?`
			if i == len(keys)-1 {
				value = `[\s\S]*`
			}
			if key == wanted {
				value = "(" + value + ")"
			}
			b.WriteString(map[bool]string{true: key, false: "," + key}[i == 0] + ":" + value)
		}
		return Literal(b.String() + `$`)
	}
	pair := Literal("," + key + `:([^,]*)`)
	return fmt.Sprintf("multiIf(match(labels, %s), toNullable(extract(labels, %s)), match(concat(',', labels), %s), toNullable(extract(concat(',', labels), %s)), NULL)",
		pattern(""), pattern(key), pair, pair)
}

// valueColumns are the columns of the view samples with a sample's value. Integer or
// float is exact, and the other is NULL; value is the nearest float of both.
const valueColumns = "if(isNull(integer), float, toFloat64(integer)) AS value, integer, float"

// samplesView has every sample: an arm for each table turns columns to rows.
func samplesView(l Layout, full tableNames) string {
	var arms []string
	for _, t := range l.Wide {
		arms = append(arms, t.samplesArm(full))
	}
	columns := append([]string{"cluster", "kind"}, nullable("namespace", "pod", "container", "node", "labels")...)
	arms = append(arms, timeParts+"SELECT "+joined(columns)+", metric, ts, "+timeText+" AS time, "+valueColumns+
		"\nFROM "+full(l.Narrow.Rows())+" FINAL WHERE integer IS NOT NULL OR float IS NOT NULL")
	return strings.Join(arms, "\nUNION ALL\n")
}

func (t *Table) samplesArm(full tableNames) string {
	columns := []string{"cluster"}
	if t.Family == schema.Unlabelled {
		columns = append(columns, Literal(t.Kind.String())+" AS kind")
		for _, name := range []string{"namespace", "pod", "container", "node", "labels"} {
			if slices.Contains(t.Kind.NameColumns(), name) {
				columns = append(columns, "toNullable("+name+") AS "+name)
			} else {
				columns = append(columns, "CAST(NULL AS Nullable(String)) AS "+name)
			}
		}
	} else {
		columns = append(append(columns, "kind"), nullable("namespace", "pod", "container", "node", "labels")...)
	}
	var metrics, integers, floats []string
	for i, m := range t.Metrics {
		metrics = append(metrics, Literal(string(m.Name)))
		integers = append(integers, t.Integer(i))
		floats = append(floats, t.Float(i))
	}
	return fmt.Sprintf("%sSELECT %s, metric, ts, %s AS time, %s\nFROM %s FINAL\nARRAY JOIN [%s] AS metric,\n  [%s] AS integer,\n  [%s] AS float\nWHERE integer IS NOT NULL OR float IS NOT NULL",
		timeParts, joined(columns), timeText, valueColumns, full(t.Rows()), joined(metrics), joined(integers), joined(floats))
}

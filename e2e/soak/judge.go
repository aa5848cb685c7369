package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

const mb = 1e6

// print prints the last period.
func (s *soak) print(out io.Writer) {
	p := s.periods[len(s.periods)-1]
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Fprintf(out, "| %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f |\n", len(s.periods), p.stored, float64(p.size)/mb,
		float64(p.growth)/mb, ms(p.median), ms(p.slow), ms(p.cpu), float64(p.heap)/mb, float64(p.rss)/mb, p.wall.Seconds())
}

// judge returns an error if something grew. It compares the medians of the last third
// and of the first third of the periods, without the first period, which begins
// without an archive.
func (s *soak) judge(out io.Writer) error {
	if len(s.periods) < 6 {
		return fmt.Errorf("%d periods are too few to judge", len(s.periods))
	}
	// An hour has few passes, and other programs disturb some hours more than others.
	noise := 1.0
	if s.batchesAPeriod() < batchesADay {
		noise = 1.5
	}
	var errs []error
	flat := func(what string, limit float64, of func(period) float64) {
		third := len(s.periods) / 3
		var early, late []float64
		for i := range third {
			early = append(early, of(s.periods[i+1]))
			late = append(late, of(s.periods[len(s.periods)-1-i]))
		}
		slices.Sort(early)
		slices.Sort(late)
		ratio := late[third/2] / early[third/2]
		fmt.Fprintf(out, "%-28s last third / first third = %.2f; at most %.2f\n", what, ratio, limit)
		if !(ratio <= limit) { // also if it is NaN
			errs = append(errs, fmt.Errorf("%s grows: %.2f times, at most %.2f", what, ratio, limit))
		}
	}
	flat("heap", 1.2, func(p period) float64 { return float64(p.heap) })
	flat("resident memory", 1.2, func(p period) float64 { return float64(p.rss) })
	flat("time of a pass", 1.5*noise, func(p period) float64 { return float64(p.median) })
	flat("CPU time of a pass", 1.3*noise, func(p period) float64 { return float64(p.cpu) })
	flat("growth of the archive", 1.1, func(p period) float64 { return float64(p.growth) })
	return errors.Join(errs...)
}

// compare compares some series value by value with the oracle.
func (s *soak) compare(ctx context.Context, out io.Writer) error {
	var script strings.Builder
	for of := range s.series {
		e := of.entity
		fmt.Fprintf(&script, selectSeries, quote(e.Kind.String()), quote(string(of.metric)))
		for column, name := range map[string]string{"namespace": e.Namespace, "pod": e.Pod, "container": e.Container, "node": e.Node, "labels": e.Labels} {
			if name == "" {
				fmt.Fprintf(&script, " AND %s IS NULL", column)
			} else {
				fmt.Fprintf(&script, " AND %s = %s", column, quote(name))
			}
		}
		script.WriteString(";\n")
	}
	answer, err := rig.Shell(ctx, s.Path, script.String(), "-readonly")
	if err != nil {
		return err
	}
	var got []string
	for _, line := range oracle.Lines(answer) {
		got = append(got, spelled(line))
	}
	want := s.picked.Samples()
	if len(s.series) < 20 {
		return fmt.Errorf("%d series are too few to compare", len(s.series))
	}
	if err := oracle.Compare(got, want); err != nil {
		return fmt.Errorf("%d series: %w", len(s.series), err)
	}
	fmt.Fprintf(out, "%d series with %d samples equal what was fed, cell by cell\n", len(s.series), len(want))
	return nil
}

// selectSeries has the columns of the view samples, with exact floats.
const selectSeries = `SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, time,
	CASE typeof(value) WHEN 'real' THEN printf('%%!.17g', value) ELSE value END
	FROM samples WHERE cluster = 'default' AND kind = %s AND metric = %s`

// spelled spells a row's float as the oracle does.
func spelled(row string) string {
	i := strings.LastIndex(row, "\t") + 1
	value, err := strconv.ParseFloat(row[i:], 64)
	if err != nil || !strings.ContainsAny(row[i:], ".e") {
		return row // an integer
	}
	return row[:i] + oracle.Float(value)
}

// quote returns a text as a string of SQL.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// count compares the numbers of samples, holes, passes and conflicts.
func (s *soak) count(ctx context.Context, out io.Writer) error {
	began := time.Now()
	answer, err := rig.Shell(ctx, s.Path, countSamples()+"; SELECT count(*) FROM holes; SELECT count(*) FROM passes WHERE outcome = 'complete'; SELECT count(*) FROM conflicts", "-readonly")
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%d\n0\n%d\n0\n", s.fed, s.Days*batchesADay)
	if answer != want {
		return fmt.Errorf("samples, holes, complete passes and conflicts are\n%swant\n%s", answer, want)
	}
	if s.stored != s.fed {
		return fmt.Errorf("the passes' summaries have %d samples, %d were fed", s.stored, s.fed)
	}
	fmt.Fprintf(out, "all %d samples are there once, from %d complete passes without a hole (counted in %v)\n",
		s.fed, s.Days*batchesADay, time.Since(began).Round(time.Second))
	return nil
}

// countSamples is SQL that reads the view of each kind and family once. The view
// samples would read it for each of its metrics.
func countSamples() string {
	counts := []string{"(SELECT count(*) FROM narrow_hot)", "(SELECT count(*) FROM narrow_cold)"} // metrics without a column
	count := func(view string, metrics []schema.Metric) {
		var columns []string
		for _, m := range metrics {
			columns = append(columns, "count("+m.Column()+")")
		}
		counts = append(counts, fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(columns, " + "), view))
	}
	for _, k := range schema.Kinds() {
		count(k.String(), schema.MetricsOf(k))
	}
	for _, f := range schema.Families() {
		count(string(f), schema.MetricsOfFamily(f))
	}
	return "SELECT " + strings.Join(counts, " + ")
}

func (s *soak) check(ctx context.Context, out io.Writer) error {
	program, err := rig.BuildHeapstash()
	if err != nil {
		return err
	}
	began := time.Now()
	answer, err := exec.CommandContext(ctx, program, "check", "--db-file", s.Path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("heapstash check: %w\n%s", err, answer)
	}
	lines := strings.Split(strings.TrimSpace(string(answer)), "\n")
	fmt.Fprintf(out, "heapstash check: %s (%v)\n", lines[len(lines)-1], time.Since(began).Round(time.Second))
	return nil
}

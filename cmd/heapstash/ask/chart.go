package ask

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

const (
	chartHeight = 14
	// axisWidth is the width left of the plot, and of half a label right of it.
	axisWidth = 18
	// chartSeries is how many lines can be told apart.
	chartSeries = 8
)

// steps are the steps of a chart without --step.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// fittingStep returns the shortest step with which the whole range fits the width.
func fittingStep(from, to schema.Instant, width int) time.Duration {
	for _, step := range steps {
		if to.Sub(from)/step+1 < time.Duration(columnsFor(width)) {
			return step
		}
	}
	return steps[len(steps)-1]
}

func columnsFor(width int) int { return max(width-axisWidth, 10) }

var chartColors = []asciigraph.AnsiColor{
	asciigraph.Blue, asciigraph.Red, asciigraph.Green, asciigraph.Orange,
	asciigraph.Magenta, asciigraph.Cyan, asciigraph.Yellow, asciigraph.Gray,
}

// drawCharts draws a chart for each aggregate of each metric. On a terminal the lines have
// colors, unless NO_COLOR is set; elsewhere they are made of letters.
func drawCharts(w io.Writer, answers []answer, unit string, width int, zone *time.Location) error {
	colored := show.IsTerminal(w) && os.Getenv("NO_COLOR") == ""
	for _, a := range answers {
		for _, s := range a.scales(a.Aggs, unit) {
			if err := drawChart(w, a, s, width, colored, zone); err != nil {
				return err
			}
		}
	}
	return nil
}

func drawChart(w io.Writer, a answer, s scaled, width int, colored bool, zone *time.Location) error {
	axis, points := newAxis(a, width, zone)
	if points > columnsFor(width) {
		return schema.WithHint(fmt.Errorf("a step of %s makes %d points, and %d fit", show.Duration(a.Step), points, columnsFor(width)),
			"leave --step out, or ask for a shorter range")
	}
	var names []string
	var lines [][]float64
	index := make(map[string]int)
	for _, row := range a.rows {
		name := a.title(row)
		i, known := index[name]
		if !known {
			i = len(lines)
			index[name] = i
			names = append(names, name)
			lines = append(lines, empty(axis.columns))
		}
		if v, ok := show.Float(s.of(row)); ok {
			for column := axis.column(row.At); column < min(axis.column(row.At.Add(a.Step)), axis.columns); column++ {
				lines[i][column] = v
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	scale := newHeights(lines)
	options := []asciigraph.Option{
		asciigraph.Height(scale.rows), asciigraph.LowerBound(scale.low), asciigraph.UpperBound(scale.high),
		asciigraph.YAxisValueFormatter(scale.label),
	}
	marks := make([]string, len(lines))
	for i := range lines {
		switch {
		case colored:
			color := chartColors[i%len(chartColors)]
			marks[i] = color.String() + "■" + asciigraph.Default.String()
		case len(lines) == 1:
			marks[i] = "─"
		default:
			marks[i] = string(rune('a' + i%26))
		}
	}
	switch {
	case colored:
		options = append(options, asciigraph.SeriesColors(chartColors...))
	case len(lines) > 1:
		sets := make([]asciigraph.CharSet, len(lines))
		for i := range sets {
			sets[i] = asciigraph.CreateCharSet(marks[i])
		}
		options = append(options, asciigraph.SeriesChars(sets...))
	}
	unit := ""
	if s.Name != "" {
		unit = " in " + s.Name
	}
	plot := asciigraph.PlotMany(lines, options...)
	fmt.Fprintf(w, "%s, %s%s, by %s, times in %s\n\n%s\n%s\n\n", a.Metric.Name, a.Aggs[s.index], unit, show.Duration(a.Step), zone, plot, axis.text(plot))
	for i, name := range names {
		fmt.Fprintf(w, "  %s %s\n", marks[i], show.Visible(name))
	}
	if a.all > len(names) {
		fmt.Fprintf(w, "  %d of %d series, those with the greatest %s over the whole range; --top %d draws all, --by and filters make fewer\n", len(names), a.all, a.Aggs[0], a.all)
	}
	_, err := fmt.Fprintln(w)
	return err
}

func empty(points int) []float64 {
	line := make([]float64, points)
	for i := range line {
		line[i] = math.NaN()
	}
	return line
}

// title returns the name of a row's group.
func (a answer) title(row query.Row) string {
	var names []string
	for i, name := range row.Names {
		if name != "" && (a.columns[i] != "cluster" || len(a.columns) == 1) {
			names = append(names, name)
		}
	}
	return cmp.Or(strings.Join(names, "/"), "all")
}

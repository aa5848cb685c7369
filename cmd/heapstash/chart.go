package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

const (
	// usualWidth is that of a chart that goes elsewhere than to a terminal.
	usualWidth  = 80
	chartHeight = 14
	// axisWidth is taken left of the chart, and by half a label right of it.
	axisWidth = 18
	// chartSeries is how many lines can be told apart.
	chartSeries = 8
)

// terminalWidth is that of the stream, in columns.
func terminalWidth(w io.Writer) int {
	if width := show.Width(w); width > 0 {
		return width
	}
	return usualWidth
}

// steps are those that a chart has by itself.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// fittingStep is the shortest of them of which the range has no more than fit.
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

// drawCharts draws a chart for each aggregate of each metric. On a terminal
// lines differ in color, unless NO_COLOR is set; elsewhere they are made of
// letters.
func drawCharts(w io.Writer, answers []answer, unit string, width int) error {
	colored := isTerminal(w) && os.Getenv("NO_COLOR") == ""
	for _, a := range answers {
		for _, s := range a.scales(a.Aggs, unit) {
			if err := drawChart(w, a, s, width, colored); err != nil {
				return err
			}
		}
	}
	return nil
}

func drawChart(w io.Writer, a answer, s scaled, width int, colored bool) error {
	begin := a.Range.From - a.Range.From%schema.Instant(a.Step/time.Second)
	points := int((a.Range.To.Sub(begin) + a.Step - 1) / a.Step)
	if points > columnsFor(width) {
		return hinted{fmt.Errorf("a step of %s makes %d points, and %d fit", lengthFlag(a.Step).text(), points, columnsFor(width)),
			"leave --step out, or ask for a shorter range"}
	}
	// Few points are drawn wide.
	wide := max(columnsFor(width)/points, 1)
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
			lines = append(lines, empty(points*wide))
		}
		if v, ok := show.Float(s.of(row)); ok {
			first := int(row.at.Sub(begin)/a.Step) * wide
			for column := first; column < first+wide; column++ {
				lines[i][column] = v
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	options := []asciigraph.Option{
		asciigraph.Height(chartHeight), asciigraph.LowerBound(0),
		asciigraph.YAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%8s", short(v)) }),
		asciigraph.XAxisRange(float64(begin), float64(begin.Add(time.Duration(points)*a.Step))),
		asciigraph.XAxisTickCount(max(2, min(5, points*wide/14))),
		asciigraph.XAxisValueFormatter(func(v float64) string { return schema.Instant(v).Time().Format(timeForm(a)) }),
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
	fmt.Fprintf(w, "%s, %s%s, by %s\n\n%s\n\n", a.Metric.Name, a.Aggs[s.index], unit, lengthFlag(a.Step).text(), asciigraph.PlotMany(lines, options...))
	for i, name := range names {
		fmt.Fprintf(w, "  %s %s\n", marks[i], visible(name))
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

// title names a row's group.
func (a answer) title(row answerRow) string {
	var names []string
	for i, name := range row.names {
		if name != "" && (a.groups[i] != "cluster" || len(a.groups) == 1) {
			names = append(names, name)
		}
	}
	return cmp.Or(strings.Join(names, "/"), "all")
}

// timeForm is how moments are spelled below the chart, in UTC.
func timeForm(a answer) string {
	switch long := a.Range.To.Sub(a.Range.From); {
	case a.Step%(24*time.Hour) == 0:
		return time.DateOnly
	case long <= 24*time.Hour:
		return "15:04"
	default:
		return "01-02 15:04"
	}
}

package ask

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// axis is the axis of time below a chart, from begin to end. A column is length long.
type axis struct {
	begin, end schema.Instant
	length     time.Duration
	columns    int
	zone       *time.Location
}

// newAxis returns the axis of an answer, and the number of steps. Few steps are drawn
// wide. The axis ends at the question's end, which is usually now; if the archive ends
// long before, it ends there.
func newAxis(a answer, width int, zone *time.Location) (axis, int) {
	x := axis{begin: query.StepBegin(a.Range.From, a.Step), end: a.Range.To, zone: zone}
	points := func() int { return int((x.end.Sub(x.begin) + a.Step - 1) / a.Step) }
	if late := a.To.Sub(x.end); late > 0 && late <= max(15*time.Minute, x.end.Sub(x.begin)/10) {
		x.end = a.To
		if points() > columnsFor(width) {
			x.end = a.Range.To
		}
	}
	n := points()
	x.length = a.Step / time.Duration(max(columnsFor(width)/n, 1))
	x.columns = int((x.end.Sub(x.begin) + x.length - 1) / x.length)
	return x, n
}

// column returns the column of a moment.
func (x axis) column(at schema.Instant) int { return int((at.Sub(x.begin) + x.length/2) / x.length) }

// text draws the axis below a plot, with the times of its ticks.
func (x axis) text(plot string) string {
	line, _, _ := strings.Cut(plot, "\n")
	indent := utf8.RuneCountInString(line[:max(strings.IndexAny(line, "┤┼"), 0)])
	ticks := []rune("└" + strings.Repeat("─", x.columns))
	labels := []rune(strings.Repeat(" ", indent+x.columns+show.UsualWidth))
	free := 0
	put := func(column int, label string) {
		middle := indent + 1 + column
		first := max(middle-len(label)/2, 0)
		if first < free || column >= x.columns {
			return
		}
		ticks[column+1] = '┬'
		copy(labels[first:], []rune(label))
		free = first + len(label) + 1
	}
	end, last := x.label(), x.end.Time().In(x.zone).Format(x.label())
	if at := time.Since(x.end.Time()); at < 2*time.Second && at > -2*time.Second {
		last = "now"
	}
	every := x.every(len(end))
	for at := x.next(x.begin, every); at < x.end; at = x.next(at+1, every) {
		column := x.column(at)
		if x.columns-1-column < len(end)/2+len(last)/2+2 {
			break // the end has its own label
		}
		put(column, at.Time().In(x.zone).Format(end))
	}
	put(x.columns-1, last)
	return strings.Repeat(" ", indent) + string(ticks) + "\n" + strings.TrimRight(string(labels), " ")
}

// label returns the format of the times.
func (x axis) label() string {
	switch long := x.end.Sub(x.begin); {
	case long <= 26*time.Hour:
		return "15:04"
	case long <= 8*24*time.Hour:
		return "01-02 15:04"
	default:
		return time.DateOnly
	}
}

// every returns the shortest time between ticks with room for their labels.
func (x axis) every(label int) time.Duration {
	for _, length := range steps {
		if x.label() == time.DateOnly && length < 24*time.Hour {
			continue
		}
		if int(length/x.length) >= label+4 {
			return length
		}
	}
	const year = 365 * 24 * time.Hour
	return max(x.end.Sub(x.begin).Truncate(7*24*time.Hour), 28*24*time.Hour, year/12)
}

// next returns the first moment at or after at that is a multiple of the length on the
// zone's clock. Weeks begin on Mondays.
func (x axis) next(at schema.Instant, length time.Duration) schema.Instant {
	_, offset := at.Time().In(x.zone).Zone()
	local := at + schema.Instant(offset)
	begin := query.StepBegin(local, length)
	if begin < local {
		begin = begin.Add(length)
	}
	return begin - schema.Instant(offset)
}

// heights are the rows of a chart, with round numbers as labels.
type heights struct {
	low, high, step float64
	rows            int
}

func newHeights(lines [][]float64) heights {
	var low, high float64
	for _, line := range lines {
		for _, v := range line {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if low == high {
		high = 1
	}
	size := math.Pow10(int(math.Floor(math.Log10((high-low)/chartHeight))) - 1)
	for {
		for _, step := range []float64{1, 2, 2.5, 5} {
			step *= size
			below, above := math.Ceil(-low/step), math.Ceil(high/step)
			if below+above <= chartHeight {
				return heights{-below * step, above * step, step, int(below + above)}
			}
		}
		size *= 10
	}
}

// label spells a row's number. All numbers have as many decimals.
func (h heights) label(v float64) string {
	row := math.Round((v-h.low)/h.step)*h.step + h.low
	text := schema.Decimal(roundTo(row, h.step))
	wanted := decimals(schema.Decimal(roundTo(h.step, h.step)))
	if has := decimals(text); has < wanted {
		if has == 0 {
			text += "."
		}
		text += strings.Repeat("0", wanted-has)
	}
	return strings.Repeat(" ", max(8-len(text), 0)) + text
}

// roundTo rounds off the digits that are far below a step.
func roundTo(v, step float64) float64 {
	unit := math.Pow10(2 - int(math.Floor(math.Log10(step))))
	return math.Round(v*unit) / unit
}

func decimals(text string) int {
	_, digits, _ := strings.Cut(text, ".")
	return len(digits)
}

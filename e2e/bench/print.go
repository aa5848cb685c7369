//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// print writes the measurements, and then compares them with the promises.
func (r round) print(w io.Writer, pairs []pair) error {
	fmt.Fprintf(w, "%s: %d pods, %d namespaces, %d nodes; %d new samples a pass; %d pairs in turns; minimum / median / maximum\n\n",
		r.name, r.size.Pods, r.size.Namespaces, r.size.Nodes, pairs[0].pass.Samples, len(pairs))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\theapstash collect\tthe floor\t")
	for _, row := range []struct {
		name   string
		figure func(result) float64
		digits int
	}{
		{"wall, ms", func(r result) float64 { return r.Wall.Seconds() * 1e3 }, 0},
		{"CPU, ms", func(r result) float64 { return r.CPU.Seconds() * 1e3 }, 0},
		{"resident, MB", func(r result) float64 { return float64(r.RSS) / 1e6 }, 1},
		{"requests", func(r result) float64 { return float64(r.Requests) }, 0},
		{"received, MB", func(r result) float64 { return float64(r.Bytes) / 1e6 }, 3},
	} {
		pass := spreadOf(pairs, func(p pair) float64 { return row.figure(p.pass) })
		floor := spreadOf(pairs, func(p pair) float64 { return row.figure(p.floor) })
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", row.name, pass.spell(row.digits), floor.spell(row.digits))
	}
	if err := t.Flush(); err != nil {
		return err
	}

	ratio := spreadOf(pairs, func(p pair) float64 { return p.pass.Wall.Seconds() / p.floor.Wall.Seconds() })
	resident := spreadOf(pairs, func(p pair) float64 { return float64(p.pass.RSS) / 1e6 })
	wall := wallOf(pairs)
	fmt.Fprintln(w)
	fmt.Fprintln(t, "\tmeasured\tjudged\ttarget\t\t")
	for _, row := range []struct {
		name           string
		all            spread
		judged, target float64
	}{
		{"wall, times the floor's, pair by pair", ratio, ratio.median, r.ratio},
		{"wall, s", wall, wall.max, r.wall.Seconds()},
		{"resident, MB", resident, resident.max, r.resident},
	} {
		if row.target == 0 {
			continue
		}
		verdict := "kept"
		if row.judged > row.target {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t<= %.1f\t%s\t\n", row.name, row.all.spell(2), row.judged, row.target, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	// Both send the same requests, so the difference went to files.
	written := spreadOf(pairs, func(p pair) float64 { return float64(p.pass.Written-p.floor.Written) / 1e6 })
	_, err := fmt.Fprintf(w, "Written to files, MB: %s\n\n", written.spell(2))
	return err
}

// wallOf returns the wall time of passes in seconds.
func wallOf(pairs []pair) spread {
	return spreadOf(pairs, func(p pair) float64 { return p.pass.Wall.Seconds() })
}

// spread is the distribution of a figure over the pairs.
type spread struct{ min, median, max float64 }

func spreadOf[T any](pairs []T, figure func(T) float64) spread {
	figures := make([]float64, len(pairs))
	for i, p := range pairs {
		figures[i] = figure(p)
	}
	slices.Sort(figures)
	middle := len(figures) / 2
	median := figures[middle]
	if len(figures)%2 == 0 {
		median = (figures[middle-1] + figures[middle]) / 2
	}
	return spread{figures[0], median, figures[len(figures)-1]}
}

func (s spread) spell(digits int) string {
	return fmt.Sprintf("%.*f / %.*f / %.*f", digits, s.min, digits, s.median, digits, s.max)
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"heapstash/e2e/rig"
)

// series are the runs of one way of asking.
type series []taken

func (s series) median(of func(taken) time.Duration) time.Duration {
	all := make([]time.Duration, len(s))
	for i, t := range s {
		all[i] = of(t)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (s series) wall() time.Duration { return s.median(func(t taken) time.Duration { return t.wall }) }
func (s series) cpu() time.Duration  { return s.median(func(t taken) time.Duration { return t.cpu }) }

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1e3) }

// promised asks each question over its full range.
func (a askers) promised(ctx context.Context, w io.Writer, questions []question, end time.Time, runs int) error {
	fmt.Fprintf(w, "ms, medians of %d runs each, in turns, warm\n\n", runs)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "question\tdays\trows\tsqlite3\tits CPU\theapstash sql\tits CPU\topen\ttarget\t\t")
	for _, q := range questions {
		statement := q.sql(span{end, q.days})
		var stock, own, open series
		var rows int
		for i := range runs + 1 {
			theirs, took, err := a.stock(ctx, statement)
			if err != nil {
				return err
			}
			ours, tookOwn, err := a.own(ctx, statement)
			if err != nil {
				return err
			}
			var tookOpen taken
			if rows, tookOpen, err = a.open(ctx, statement); err != nil {
				return err
			}
			if i == 0 {
				if err := q.same(theirs, ours, rows); err != nil {
					return err
				}
				continue
			}
			stock, own, open = append(stock, took), append(own, tookOwn), append(open, tookOpen)
		}
		verdict := "kept"
		if max(stock.wall(), own.wall()) > q.target {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t< %d\t%s\t\n", q.name, q.days, rows,
			ms(stock.wall()), ms(stock.cpu()), ms(own.wall()), ms(own.cpu()), ms(open.wall()), q.target.Milliseconds(), verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return nil
}

// same returns an error unless sqlite3 and heapstash give the same answer.
func (q question) same(stock, own string, open int) error {
	a, err := parseCSV(stock, q.keys)
	if err != nil {
		return err
	}
	b, err := parseCSV(own, q.keys)
	if err != nil {
		return err
	}
	if _, differ, err := compare(a, b); err != nil || len(differ) > 0 || len(a) != open || open == 0 {
		return fmt.Errorf("%s: sqlite3 gives %d rows, heapstash sql %d, a connection %d, and %v differ: %w", q.name, len(a), len(b), open, differ, err)
	}
	return nil
}

// beside asks InfluxDB and heapstash the same.
func (a askers) beside(ctx context.Context, w io.Writer, questions []question, r span, runs int) error {
	fmt.Fprintf(w, "%d days, ms, medians of %d runs each (3 of what takes over 10 s), in turns, warm\n\n", r.days, runs)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "question\trows\theapstash, open\tInfluxDB, open\tratio\tsqlite3\tinflux\tratio\tCPU, sqlite3\tCPU, influxd\tratio\t")
	var notes []string
	for _, q := range questions {
		note, err := a.agree(ctx, q, r)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		notes = append(notes, q.name+": "+note)
		statement, statements := q.sql(r), q.influx(r)
		var open, stock, http, client series
		var rows int
		before, err := rig.CPUTime(a.influx.PID())
		if err != nil {
			return err
		}
		// Three runs are enough if they take minutes.
		slow := func() bool { return len(http) >= 3 && http.wall() > 10*time.Second }
		for len(http) < runs && !slow() {
			var took [4]taken
			if rows, took[0], err = a.open(ctx, statement); err != nil {
				return err
			}
			if _, took[1], err = a.overHTTP(statements); err != nil {
				return err
			}
			if _, took[2], err = a.stock(ctx, statement); err != nil {
				return err
			}
			if took[3], err = a.byClient(ctx, statements); err != nil {
				return err
			}
			open, http, stock, client = append(open, took[0]), append(http, took[1]), append(stock, took[2]), append(client, took[3])
		}
		after, err := rig.CPUTime(a.influx.PID())
		if err != nil {
			return err
		}
		server := (after - before) / time.Duration(2*len(http))
		ratio := func(x, y time.Duration) string { return fmt.Sprintf("%.2f", x.Seconds()/y.Seconds()) }
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", q.name, rows, ms(open.wall()), ms(http.wall()), ratio(open.wall(), http.wall()),
			ms(stock.wall()), ms(client.wall()), ratio(stock.wall(), client.wall()), ms(stock.cpu()), ms(server), ratio(stock.cpu(), server))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(notes, "\n"))
	return err
}

// agree returns an error unless InfluxDB gives the archive's answer.
func (a askers) agree(ctx context.Context, q question, r span) (note string, err error) {
	asked := q.sql
	if q.ranked != nil {
		asked = q.ranked
	}
	text, _, err := a.stock(ctx, asked(r))
	if err != nil {
		return "", err
	}
	ours, err := parseCSV(text, q.keys)
	if err != nil {
		return "", err
	}
	series, _, err := a.overHTTP(q.influx(r))
	if err != nil {
		return "", err
	}
	theirs, err := joinInflux(series)
	if err != nil {
		return "", err
	}
	values, differ, err := compare(ours, theirs)
	if err != nil {
		return "", fmt.Errorf("the answers differ: %w", err)
	}
	for _, key := range differ {
		if q.exact == nil {
			return "", fmt.Errorf("the answers differ: %s: %v, and %v", key, ours[key], theirs[key])
		}
		text, _, err := a.stock(ctx, q.exact(r, key))
		if err != nil {
			return "", err
		}
		exact, err := parseCSV(text, q.keys)
		if err != nil {
			return "", err
		}
		if _, still, err := compare(exact, answer{key: theirs[key]}); err != nil || len(still) > 0 {
			return "", fmt.Errorf("the answers differ: %s: %v, by its minutes %v, and %v", key, ours[key], exact[key], theirs[key])
		}
	}
	note = fmt.Sprintf("%d values in %d rows are the same", values, len(ours))
	if q.ranked != nil {
		note += fmt.Sprintf(" by InfluxDB's rule of rounded ranks, %d rows of them only within hours, too", len(differ))
	}
	return note, nil
}

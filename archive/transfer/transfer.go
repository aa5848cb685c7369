package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Options say how an archive is copied.
type Options struct {
	Version string // of heapstash, for the target's ledger
	// Since leaves out samples of days that end before it. None copies all.
	Since schema.Instant
	Now   func() time.Time
	// Step is called with what is done, of the steps that there are.
	Step func(what string, done, of int)
}

// Report is the result of a copy.
type Report struct {
	Clusters []string       `json:"clusters"`
	From     schema.Instant `json:"from"` // the first and the last sample of the source
	To       schema.Instant `json:"to"`
	Samples  uint64         `json:"samples"`  // that the source has of the days that were copied
	Written  uint64         `json:"written"`  // of days that the target did not have whole
	Pieces   int            `json:"pieces"`   // days of a kind with samples
	Skipped  int            `json:"skipped"`  // of them, days that the target had whole
	Passes   int            `json:"passes"`   // of the source's ledger
	Holes    int            `json:"holes"`    // of the source's ledger
	Entities int            `json:"entities"` // that the source knows
	// Kept are the clusters whose memory the target kept, because its own is newer.
	Kept []string `json:"kept_memory"`
	// Differences are pieces in which the two archives differ afterwards.
	Differences []Difference `json:"differences"`
	// Bare are the rollups without raw samples, which cannot be copied.
	Bare []Bare `json:"rollups_not_copied"`
}

// Faults returns how many pieces lack samples of the source, or have other values.
func (r Report) Faults() (n int) {
	for _, d := range r.Differences {
		if d.Missing > 0 || d.Other > 0 {
			n++
		}
	}
	return n
}

// copying is a copy under way.
type copying struct {
	Options
	from   Source
	to     Target
	memory map[string]archive.Memory // by cluster, of the source
	rows   batches
	report Report
	copied map[piece]digests // of the source
	done   int               // steps
	of     int
}

// Run copies all that the source has, except for rollups. First come the names and the
// ledger, then samples day by day, and last what the next pass has to remember: a copy
// that was killed leaves a target that no pass would take for whole.
//
// Pieces that are equal in both are left out. At the end, each written piece is read
// back and compared. Told is the source's status.
func Run(ctx context.Context, from Source, told archive.Status, to Target, opts Options) (Report, error) {
	c := &copying{Options: opts, from: from, to: to, memory: make(map[string]archive.Memory), copied: make(map[piece]digests)}
	c.report.Bare = bareRollups(told)
	c.report.Differences, c.report.Kept = []Difference{}, []string{}
	err := c.run(ctx)
	return c.report, err
}

func (c *copying) run(ctx context.Context) (err error) {
	if c.report.Clusters, err = c.from.Clusters(ctx); err != nil {
		return err
	}
	for _, cluster := range c.report.Clusters {
		if c.memory[cluster], err = c.from.Memory(ctx, cluster); err != nil {
			return err
		}
	}
	for _, cluster := range c.report.Clusters {
		c.step("names and passes")
		if err := c.record(ctx, cluster); err != nil {
			return err
		}
	}
	passes, err := c.begin(ctx)
	if err != nil {
		return err
	}
	err = c.samples(ctx)
	if err == nil {
		for _, cluster := range c.report.Clusters {
			if err = c.remember(ctx, cluster); err != nil {
				break
			}
		}
	}
	if ended := c.end(ctx, passes, err); ended != nil && err == nil {
		err = ended
	}
	if err != nil {
		return err
	}
	return c.verify(ctx)
}

// record copies the names and the ledger of a cluster.
func (c *copying) record(ctx context.Context, cluster string) error {
	for r, err := range c.from.Records(ctx, cluster) {
		if err != nil {
			return err
		}
		r.Cluster, r.Horizon = cluster, c.memory[cluster].Horizon
		if err := c.to.Record(ctx, r); err != nil {
			return err
		}
		c.report.Entities += len(r.Entities)
		c.report.Passes += len(r.Passes)
		for _, p := range r.Passes {
			c.report.Holes += len(p.Holes)
		}
	}
	return nil
}

// begin opens a pass of each cluster in the target's ledger: the copy itself.
func (c *copying) begin(ctx context.Context) (passes []archive.Pass, err error) {
	c.rows = batches{pass: make(map[string]archive.PassID), readings: make([]schema.Reading, 0, batchSamples)}
	c.rows.write = func(b archive.Batch) error {
		_, err := c.to.Write(ctx, b)
		return err
	}
	for _, cluster := range c.report.Clusters {
		p := archive.Pass{Cluster: cluster, Version: c.Version + " copy", Started: c.Now().UTC()}
		if p.ID, err = c.to.BeginPass(ctx, p); err != nil {
			return nil, err
		}
		c.rows.pass[cluster] = p.ID
		passes = append(passes, p)
	}
	return passes, nil
}

// end closes the passes.
func (c *copying) end(ctx context.Context, passes []archive.Pass, failure error) error {
	var all error
	for _, p := range passes {
		p.Finished, p.Outcome = c.Now().UTC(), archive.OutcomeComplete
		if failure != nil {
			p.Outcome, p.Error = archive.OutcomeFailed, "the copy did not end: "+failure.Error()
		}
		all = errors.Join(all, c.to.EndPass(context.WithoutCancel(ctx), p, nil))
	}
	return all
}

// samples copies the raw samples.
func (c *copying) samples(ctx context.Context) error {
	span, err := c.from.Span(ctx)
	if err != nil || span.To == 0 {
		return err
	}
	c.report.From, c.report.To = span.From, span.To
	first := span.From - span.From%day
	if c.Since > first {
		first = c.Since - c.Since%day
	}
	status, err := c.to.Status(ctx)
	if err != nil {
		return err
	}
	look := slices.ContainsFunc(status.Kinds, func(k archive.KindStatus) bool { return k.Newest != 0 }) // else it is new
	c.of = int((span.To-first)/day+1) * len(schema.Kinds()) * 2
	for at := first; at <= span.To; at += day {
		has := make(map[schema.Kind]digests)
		if look {
			if has, err = c.dayOfTarget(ctx, at); err != nil {
				return err
			}
		}
		written := false
		for _, kind := range schema.Kinds() {
			c.step(fmt.Sprintf("%v of %s", kind, at.Time().Format(time.DateOnly)))
			wrote, err := c.samplesOf(ctx, piece{at, kind}, has[kind])
			if err != nil {
				return err
			}
			written = written || wrote
		}
		if written {
			const grace = 60 * 60 // by then, the last hour is closed
			if err := c.to.Settle(ctx, min(at+day+grace, span.To)); err != nil {
				return err
			}
		}
	}
	return c.to.Settle(ctx, span.To) // a copy that was killed may have written, and not settled, the last day
}

// samplesOf copies a piece, unless the target has the same samples of its clusters. It
// reports whether it wrote.
func (c *copying) samplesOf(ctx context.Context, p piece, has digests) (wrote bool, err error) {
	if len(has) > 0 {
		want, err := p.sum(ctx, c.from)
		if err != nil {
			return false, err
		}
		if contains(has, want) {
			c.count(want)
			c.report.Skipped += len(want)
			c.done++ // it is verified
			return false, nil
		}
	}
	want, err := c.rows.copy(ctx, p, c.from)
	if err != nil {
		return false, err
	}
	c.count(want)
	if len(want) == 0 {
		c.done++
		return false, nil
	}
	c.copied[p] = want
	for _, d := range want {
		c.report.Written += d.count
	}
	return true, nil
}

func (c *copying) count(want digests) {
	c.report.Pieces += len(want)
	for _, d := range want {
		c.report.Samples += d.count
	}
}

// remember copies the cluster's memory, unless the target's is newer.
func (c *copying) remember(ctx context.Context, cluster string) error {
	own, err := c.to.Memory(ctx, cluster)
	if err != nil {
		return err
	}
	m := c.memory[cluster]
	if own.Horizon > m.Horizon {
		c.report.Kept = append(c.report.Kept, cluster)
		return nil
	}
	b := archive.Batch{
		Pass: c.rows.pass[cluster], Cluster: cluster, Horizon: m.Horizon, Seen: m.Horizon,
		Asked: make(map[schema.Scope][]schema.MetricName), Carried: m.Carried, NamespaceIDs: m.NamespaceIDs,
	}
	b.Watermarks = make(map[schema.Scope]schema.Instant)
	maps.Copy(b.Watermarks, m.Watermarks)
	for scope := range own.Watermarks { // the source may have lost one since
		if _, ok := m.Watermarks[scope]; !ok {
			b.Watermarks[scope] = 0
		}
	}
	for scope, metrics := range m.Asked {
		for metric := range metrics {
			b.Asked[scope] = append(b.Asked[scope], metric)
		}
	}
	_, err = c.to.Write(ctx, b)
	return err
}

func (c *copying) step(what string) {
	c.done++
	if c.Step != nil {
		c.Step(what, min(c.done, c.of), max(c.of, 1))
	}
}

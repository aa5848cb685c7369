package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"heapstash/cmd/heapstash/doctor"
	"heapstash/cmd/heapstash/engine"
	"heapstash/heapster"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// examiner brings together what the doctor looks at.
type examiner struct {
	cfg      Config
	file     configFile
	schedule string        // for people
	pause    time.Duration // the longest between two passes
	now      func() time.Time
}

// setSchedule takes the schedule of run, unless passes come every so often.
func (e *examiner) setSchedule(spec string, every time.Duration) error {
	if every < 0 {
		return fmt.Errorf("--every %v is negative", every)
	}
	if every > 0 {
		spec = "@every " + every.String()
	}
	schedule, err := parseSchedule(spec)
	if err != nil {
		return err
	}
	e.pause = longestPause(schedule)
	e.schedule = fmt.Sprintf("a pass at %q, up to %s apart,", spec, doctor.Spell(e.pause))
	if strings.HasPrefix(spec, "@every ") {
		e.schedule = "a pass every " + doctor.Spell(e.pause)
	}
	return nil
}

// examine makes every check there is; the error is ctx's.
func (e *examiner) examine(ctx context.Context) (doctor.Report, error) {
	b := buildInfo()
	report := doctor.Report{doctor.Build(b.Version, b.Go+", "+b.Platform), doctor.Config(e.file.path, e.file.named, e.file.skipped)}

	found, observed := e.examineHeapster(ctx)
	report = append(report, found...)
	report = append(report, doctor.Schedule(e.schedule, e.pause, observed))

	examined, err := engine.Examine(ctx, e.cfg.DBFile, e.cfg.ClusterName)
	if err != nil {
		return nil, err
	}
	return append(report, doctor.Archive(examined, int64(e.cfg.Archive.MinFree), e.pause, e.now())...), nil
}

// examineHeapster stops at the way in if that leads nowhere.
func (e *examiner) examineHeapster(ctx context.Context) (doctor.Report, doctor.Observation) {
	way := way(e.cfg)
	nowhere := func(err error) (doctor.Report, doctor.Observation) {
		report := doctor.Report{doctor.Access(way, "", err)}
		if finding, ok := e.explainPort(ctx, err); ok {
			report = append(report, finding)
		}
		return report, doctor.Observation{}
	}
	conn, err := connect(ctx, e.cfg)
	if err != nil {
		return nowhere(err)
	}
	clock := doctor.NewClock(conn.HTTP.Transport, e.now)
	conn.HTTP.Transport = clock
	defer conn.HTTP.CloseIdleConnections()
	client, err := heapster.New(conn.HTTP, conn.Heapster, clientOptions(e.cfg, conn.Way))
	if err != nil {
		return nowhere(err)
	}
	if _, err := client.MetricNames(ctx, schema.ClusterEntity()); err != nil {
		return nowhere(err)
	}
	found, observed := doctor.Heapster(ctx, client, clock, e.now)
	report := append(doctor.Report{doctor.Access(way, conn.Heapster.Redacted(), nil)}, found...)
	if e.cfg.Collect.Enrich {
		lister, err := kube.NewLister(conn, clientOptions(e.cfg, conn.Way))
		if err != nil {
			return nowhere(err)
		}
		report = append(report, doctor.Enrichment(ctx, lister))
	}
	return report, observed
}

// explainPort asks the apiserver, beside the way to Heapster that leads
// nowhere, for what the error is about.
func (e *examiner) explainPort(ctx context.Context, err error) (doctor.Finding, bool) {
	if e.cfg.HeapsterURL != "" {
		return doctor.Finding{}, false
	}
	opts := kubeOptions(e.cfg)
	opts.ProxyPath = kube.Modern // which asks for nothing
	conn, failed := kube.Connect(ctx, opts)
	if failed != nil {
		return doctor.Finding{}, false
	}
	defer conn.HTTP.CloseIdleConnections()
	lister, failed := kube.NewLister(conn, clientOptions(e.cfg, conn.Way))
	if failed != nil {
		return doctor.Finding{}, false
	}
	return doctor.Ports(ctx, lister, err)
}

func printReport(w io.Writer, report doctor.Report, asJSON bool) error {
	if !asJSON {
		return report.Print(w)
	}
	return json.NewEncoder(w).Encode(struct {
		Faults   int           `json:"faults"`
		Warnings int           `json:"warnings"`
		Findings doctor.Report `json:"findings"`
	}{report.Count(doctor.Fault), report.Count(doctor.Warning), report})
}

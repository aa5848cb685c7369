package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"heapstash/cmd/heapstash/access"
	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/schedule"
	"heapstash/cmd/heapstash/show"
	"heapstash/heapster"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// Examiner makes all checks.
type Examiner struct {
	Cfg      config.Config
	File     config.File
	schedule string        // for people
	pause    time.Duration // the longest between two passes
	Now      func() time.Time
}

// SetSchedule sets when passes are made: every so often, or else by the schedule.
func (e *Examiner) SetSchedule(spec string, every time.Duration) error {
	if every < 0 {
		return fmt.Errorf("--every %v is negative", every)
	}
	if every > 0 {
		spec = "@every " + every.String()
	}
	times, err := schedule.Parse(spec)
	if err != nil {
		return err
	}
	e.pause = times.LongestPause()
	e.schedule = fmt.Sprintf("a pass at %q, up to %s apart,", spec, show.Duration(e.pause))
	if strings.HasPrefix(spec, "@every ") {
		e.schedule = "a pass every " + show.Duration(e.pause)
	}
	return nil
}

// Examine makes all checks. The error is ctx's.
func (e *Examiner) Examine(ctx context.Context) (Report, error) {
	b := build.Info()
	report := Report{Build(b.Version, b.Go+", "+b.Platform), Config(e.File.Path, e.File.Named, e.File.Skipped)}

	found, observed := e.examineHeapster(ctx)
	report = append(report, found...)
	report = append(report, Schedule(e.schedule, e.pause, observed))

	if e.Cfg.Archive.URL != "" {
		examined, err := engine.ExamineServer(ctx, e.Cfg, e.Now)
		if err != nil {
			return nil, err
		}
		return append(report, Server(examined, e.pause, e.Now())...), nil
	}
	examined, err := engine.Examine(ctx, e.Cfg.DBFile, e.Cfg.ClusterName)
	if err != nil {
		return nil, err
	}
	report = append(report, Archive(examined, int64(e.Cfg.Archive.MinFree), e.pause, e.Now())...)
	if l := engine.LakeOf(e.Cfg); l != nil {
		report = append(report, Lake(l, examined.InLake))
	}
	return report, nil
}

// examineHeapster checks Heapster. If it cannot be reached, there are no more checks.
func (e *Examiner) examineHeapster(ctx context.Context) (Report, Observation) {
	way := access.Way(e.Cfg)
	nowhere := func(err error) (Report, Observation) {
		report := Report{Access(way, "", err)}
		if finding, ok := e.explainPort(ctx, err); ok {
			report = append(report, finding)
		}
		return report, Observation{}
	}
	conn, err := access.Connect(ctx, e.Cfg)
	if err != nil {
		return nowhere(err)
	}
	clock := NewClock(conn.HTTP.Transport, e.Now)
	conn.HTTP.Transport = clock
	defer conn.HTTP.CloseIdleConnections()
	client, err := heapster.New(conn.HTTP, conn.Heapster, access.ClientOptions(e.Cfg, conn.Way))
	if err != nil {
		return nowhere(err)
	}
	if _, err := client.MetricNames(ctx, schema.ClusterEntity()); err != nil {
		return nowhere(err)
	}
	found, observed := Heapster(ctx, client, clock, e.Now)
	report := append(Report{Access(way, conn.Heapster.Redacted(), nil)}, found...)
	if e.Cfg.Collect.Enrich {
		lister, err := kube.NewLister(conn, access.ClientOptions(e.Cfg, conn.Way))
		if err != nil {
			return nowhere(err)
		}
		report = append(report, Enrichment(ctx, lister))
	}
	return report, observed
}

// explainPort asks the apiserver for the ports of the service, to explain an error.
func (e *Examiner) explainPort(ctx context.Context, err error) (Finding, bool) {
	if e.Cfg.HeapsterURL != "" {
		return Finding{}, false
	}
	opts := access.KubeOptions(e.Cfg)
	opts.ProxyPath = kube.Modern // which needs no request
	conn, failed := kube.Connect(ctx, opts)
	if failed != nil {
		return Finding{}, false
	}
	defer conn.HTTP.CloseIdleConnections()
	lister, failed := kube.NewLister(conn, access.ClientOptions(e.Cfg, conn.Way))
	if failed != nil {
		return Finding{}, false
	}
	return Ports(ctx, lister, err)
}

// MarshalJSON encodes the findings with the numbers of faults and warnings.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Faults   int       `json:"faults"`
		Warnings int       `json:"warnings"`
		Findings []Finding `json:"findings"`
	}{r.Count(Fault), r.Count(Warning), r})
}

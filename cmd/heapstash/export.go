package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heapstash/archive"
	"heapstash/archive/export"
	"heapstash/archive/lake"
	"heapstash/archive/query"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const exportLong = `export writes samples to stdout, or to --output FILE, which appears once it is whole: all
samples, or those that the flags select. It reads the archive as it is when it begins, while
passes write on, and takes constant memory. The formats are
  csv          a line a sample, with the columns of the view samples
  json         the same as an object a line
  openmetrics  text for "promtool tsdb create-blocks-from openmetrics": cpu/usage_rate is
               heapster_cpu_usage_rate, and counters end in _total. The labels are cluster, kind,
               namespace, pod, container, node, and the labels of file systems, disks and
               accelerators. Prometheus has floats only: integers beyond 2^53 are rounded there
  influx       line protocol for InfluxDB 1.x in the schema of Heapster's own sink, for its Grafana
               dashboards: a measurement a metric, the field value, and the tags type, cluster_name,
               namespace_name, pod_name, container_name, nodename, labels, container_base_image,
               resource_id, ... (for a pod, nodename and the next two come from pod_identities)
  parquet      a directory that pandas, DuckDB, Spark, ClickHouse and others read. Its files are
               kind=pod/cluster=prod/day=2017-09-27/part-0.parquet and so on, and its _README.md
               explains them. Integers stay exact

Heapster's model API cuts the ratios of nodes, such as cpu/node_utilization, to 0 or 1. export
computes them from their two parts. It leaves them out where a part is missing, and for hours
and days in which the allocatable amount changed. Values of *_rate have no fractions, as
Heapster gives them.

With --level hourly or daily, csv and json have the columns of the view samples_hourly or
samples_daily; openmetrics has a gauge for each statistic, such as
heapster_cpu_usage_rate_hourly_max; influx has a field for each, all floats except samples, and
the field value has a gauge's avg or a counter's last. As value is a float there, rollups need
a database of their own (--influx-database). The time is the begin of the hour or the day.

OpenMetrics needs the samples of a metric together, so export reads the archive once for each
metric. promtool reads the text once for each block of two hours: if there is much, give it
--max-block-duration 24h, or one part at a time.
A measurement of InfluxDB has integers or floats, not both. export writes floats for metrics
that Heapster's sink writes as floats, and for metrics that heapstash does not know (custom/...).

--since is included and --until is not: ranges that follow one another have each sample once.
Both are a time, as in 2017-09-27 or 2017-09-27T07:00:00Z, or how long ago, as in 36h. In
globs, * also stands for slashes. --namespace and --pod leave out what is not in a namespace or
pod. All clusters are written, unless --cluster-name or its setting names one.

Where pruning has written raw samples to archive.lake, --lake exports them as well, each once. It
needs about a megabyte of memory for each day and cluster of the range.

Until export ends, the -wal file only grows. Where the archive has none, as on NFS, passes
wait: export a snapshot there.

Exit codes: 0 done, also if the range of time has no samples; 1 failed, or no name matches; 10 no
archive; 130 interrupted.`

const exportExample = `  heapstash export --since 24h --namespace shop --metric 'memory/*' >shop.csv
  heapstash export --format json --kinds node --since 7d --until yesterday | gzip >week.json.gz
  heapstash export --format openmetrics --output heapster.om &&
    promtool tsdb create-blocks-from openmetrics heapster.om /var/lib/prometheus/metrics2
  influx -execute 'CREATE DATABASE k8s' &&
    heapstash export --format influx --output heapster.lp && influx -import -path heapster.lp
  heapstash export --level daily --since 8760h --kinds namespace >year.csv`

// exportFlags are the flags of export.
type exportFlags struct {
	flags.Filter
	format, level, output, database string
	force, lake                     bool
	kinds, metrics                  []string
}

func newExportCommand() *cobra.Command {
	var x exportFlags
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write samples as CSV, JSON lines, OpenMetrics, InfluxDB's line protocol or Parquet",
		Long:    exportLong,
		Example: exportExample,
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			e, err := x.export(cmd, cfg)
			if err != nil {
				return usage.Error(cmd, err)
			}
			return e.run(cmd, cfg, x.output, x.force)
		}),
	}
	f := cmd.Flags()
	x.Filter.Add(f, "from this time on: how long ago, as in 36h, or a time, as in 2017-09-27, yesterday or 2017-09-27T07:00:00Z", "before this time")
	f.StringVar(&x.format, "format", string(export.CSV), "csv, json, openmetrics, influx or parquet")
	f.StringVar(&x.level, "level", string(archive.Raw), "raw, hourly or daily: samples, or the rollups of hours or days")
	f.StringVarP(&x.output, "output", "o", "", "file to write, with the mode of archive.mode (default stdout); of parquet, a directory")
	f.BoolVar(&x.lake, "lake", false, "also raw samples in archive.lake")
	f.BoolVar(&x.force, "force", false, "replace the file that --output names")
	f.StringVar(&x.database, "influx-database", "k8s", "the database that the head of influx names for \"influx -import\"")
	f.StringSliceVar(&x.kinds, "kinds", nil, "only these kinds of entity (default all)")
	f.StringSliceVar(&x.metrics, "metric", nil, "only metrics that match this glob, as in 'cpu/*' (repeatable)")
	addKindAlias(f)
	complete.Words(cmd, "format", export.Formats()...)
	complete.Words(cmd, "level", show.Names(archive.Levels())...)
	return cmd
}

// exportRun is an export as the flags and the settings say.
type exportRun struct {
	archive.Selection
	cfg     config.Config
	lake    bool
	format  export.Format
	options export.Options
}

// export returns what the flags say.
func (x *exportFlags) export(cmd *cobra.Command, cfg config.Config) (e exportRun, err error) {
	q := x.Query(cmd.Flags(), time.Now())
	e.Selection = archive.Selection{Filter: q.Filter, Metrics: x.metrics, Level: archive.Level(x.level), Window: schema.Window{From: q.From, To: q.To}}
	e.options.Database, e.cfg, e.lake = x.database, cfg, x.lake
	if e.format, err = export.ParseFormat(x.format); err != nil {
		return e, err
	}
	if e.format == export.Parquet {
		switch {
		case x.output == "" || x.output == "-":
			return e, errors.New("--format parquet writes a directory: --output names it")
		case e.Level != archive.Raw:
			return e, errors.New("--format parquet has raw samples only: leave --level out")
		case x.force:
			return e, errors.New("--format parquet replaces nothing: leave --force out, and name a new directory")
		}
	}
	if !slices.Contains(archive.Levels(), e.Level) {
		return e, fmt.Errorf("no level %q: use one of %s", x.level, strings.Join(show.Names(archive.Levels()), ", "))
	}
	if q.From != 0 && q.To != 0 && q.To <= q.From {
		return e, fmt.Errorf("--until %v is not after --since %v", q.To, q.From)
	}
	if q.To != 0 {
		e.Window.To-- // a window includes its end, --until does not
	}
	for flag, globs := range map[string][]string{
		"namespace": x.Namespaces, "exclude-namespace": x.ExcludeNamespaces, "pod": x.Pods, "metric": x.metrics,
	} {
		for _, glob := range globs {
			if glob != "" && !schema.IsGlob(glob) {
				return e, fmt.Errorf("--%s %q is not a glob", flag, glob)
			}
		}
	}
	for _, name := range x.kinds {
		kind, err := schema.ParseKind(name)
		if err != nil {
			return e, err
		}
		e.Kinds = append(e.Kinds, kind)
	}
	if cfg.ClusterName != config.Default().ClusterName {
		e.Clusters = []string{cfg.ClusterName}
	}
	return e, nil
}

// run exports to the file, or to stdout if it is empty or "-".
func (e exportRun) run(cmd *cobra.Command, cfg config.Config, output string, force bool) error {
	if e.Level != archive.Raw && engine.DialectOf(cfg) == engine.ClickHouse {
		return schema.WithHint(fmt.Errorf("--level %s: a ClickHouse archive has no hours and days: leave --level out", e.Level),
			"its raw samples reach back as far as archive.retention.raw; heapstash query sums them up over hours and days")
	}
	reader, err := engine.Read(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	if e.format != export.Parquet && (output == "" || output == "-") {
		return e.toStdout(cmd, reader)
	}
	started := time.Now()
	var result export.Result
	var size int64
	if e.format == export.Parquet {
		mode := fs.FileMode(cfg.Archive.Mode)
		size, err = engine.WriteDirectory(output, mode, func(dir string) (err error) {
			result, err = e.write(cmd, reader, false, func(samples archive.Samples) (export.Result, error) {
				return export.WriteParquet(cmd.Context(), lake.Open(dir, mode), samples, e.Selection, e.options)
			})
			return err
		})
	} else {
		size, err = engine.WriteWhole(output, cfg.DBFile, fs.FileMode(cfg.Archive.Mode), force, func(w io.Writer) (err error) {
			result, err = e.writeText(cmd, reader, w, false)
			return err
		})
	}
	if err != nil {
		return err
	}
	what := "samples"
	if e.Level != archive.Raw {
		what = "rollups"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d %s, %v, in %v\n",
		output, result.Samples, what, schema.Size(size), time.Since(started).Round(time.Millisecond))
	return err
}

// exportGrace is how long an export may take to notice that it has to end.
const exportGrace = 200 * time.Millisecond

// toStdout exports to stdout. It ends with ctx even where the reader of a pipe
// does not take what is written.
func (e exportRun) toStdout(cmd *cobra.Command, reader engine.Reader) error {
	out := cmd.OutOrStdout()
	return engine.Await(cmd.Context(), exportGrace, func() error {
		_, err := e.writeText(cmd, reader, out, show.IsTerminal(out))
		return err
	})
}

// writeText writes the samples to w, and notes to stderr. Progress is left out where it
// would run into the output.
func (e exportRun) writeText(cmd *cobra.Command, reader engine.Reader, w io.Writer, quiet bool) (export.Result, error) {
	return e.write(cmd, reader, quiet, func(samples archive.Samples) (export.Result, error) {
		out := bufio.NewWriterSize(w, 1<<20)
		result, err := export.Write(cmd.Context(), out, samples, e.Selection, e.format, e.options)
		if err == nil {
			err = out.Flush()
		}
		return result, err
	})
}

// write opens the samples for do, and writes notes and, unless quiet, progress to stderr.
func (e *exportRun) write(cmd *cobra.Command, reader engine.Reader, quiet bool, do func(archive.Samples) (export.Result, error)) (result export.Result, err error) {
	stderr := cmd.ErrOrStderr()
	if steps := show.Steps(stderr); steps != nil && !quiet {
		defer steps("", 0, 0)
		e.options.Step = everyHundredth(steps)
	}
	var samples archive.Samples
	if e.lake {
		samples, err = engine.WithLake(cmd.Context(), e.cfg, reader)
	} else if err = ask.NoMatch(cmd.Context(), reader, query.Query{Filter: e.Filter}, e.Kinds...); err == nil {
		samples, err = reader.OpenSamples(cmd.Context())
	}
	if err != nil {
		return result, err
	}
	defer samples.Close() // read only
	if err := e.checkMetrics(samples.Names()); err != nil {
		return result, err
	}
	if result, err = do(samples); err == nil {
		noteResult(stderr, result)
		err = e.noteLake(cmd, reader)
		e.noteCut(stderr, samples.Names(), result)
	}
	return result, err
}

// checkMetrics refuses globs that match no metric of the archive.
func (e exportRun) checkMetrics(known []schema.MetricName) error {
	names := show.Names(known)
	for _, glob := range e.Metrics {
		if !slices.ContainsFunc(names, func(name string) bool { return schema.MatchesAny([]string{glob}, name) }) {
			return schema.WithHint(fmt.Errorf("the archive knows no metric %q", glob), guess.AlsoMean(glob, names,
				"`heapstash sql \"SELECT name FROM metrics\"` lists those that it knows"))
		}
	}
	return nil
}

// everyHundredth calls step for each hundredth part of the way.
func everyHundredth(step func(what string, done, of int)) func(what string, done, of int) {
	shown := -1
	return func(what string, done, of int) {
		if part := done * 100 / of; part != shown {
			shown = part
			step(what, done, of)
		}
	}
}

// noteResult says what the output does not show of the result.
func noteResult(w io.Writer, result export.Result) {
	if result.Omitted > 0 {
		show.Lines(w, "heapstash: ", fmt.Sprintf("%d values are left out that InfluxDB cannot store: infinite ones, and fractions of metrics that are integers", result.Omitted))
	}
	if result.Samples == 0 {
		show.Lines(w, "heapstash: ", "nothing is selected")
		show.Lines(w, "hint: ", "`heapstash status` says from when to when there are samples, and of what; an hour is there 20 minutes after its end")
	}
}

// noteCut says that Heapster has cut fractions of exported metrics, if it has. Ratios
// of nodes are exact.
func (e exportRun) noteCut(w io.Writer, known []schema.MetricName, result export.Result) {
	cut := slices.ContainsFunc(known, func(name schema.MetricName) bool {
		m, _ := schema.Lookup(name)
		_, ok := m.CounterOf()
		return ok && e.MatchesMetric(name)
	})
	if cut && result.Samples > 0 {
		show.Lines(w, "note: ", "Heapster's model API cuts the fractions of *_rate, except cpu/usage_rate: the growth of the counters has them")
	}
}

// noteLake says which raw samples are in the lake and not in the output.
func (e exportRun) noteLake(cmd *cobra.Command, reader engine.Reader) error {
	if e.lake || e.Level != archive.Raw {
		return nil
	}
	spans, err := engine.InLake(cmd.Context(), reader)
	if err != nil {
		return err
	}
	var from, until schema.Instant
	for _, s := range spans {
		if len(e.Kinds) > 0 && !slices.Contains(e.Kinds, s.Kind) || s.Until <= e.Window.From || e.Window.To != 0 && s.From > e.Window.To {
			continue
		}
		if from == 0 || s.From < from {
			from = s.From
		}
		until = max(until, s.Until)
	}
	if from != 0 {
		show.Lines(cmd.ErrOrStderr(), "note: ", fmt.Sprintf("raw samples from %v to %v are in the lake: --lake reads them, too; --level hourly and daily need no lake", from, until))
	}
	return nil
}

// addKindAlias lets --kind stand for --kinds.
func addKindAlias(flags *pflag.FlagSet) {
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "kind" {
			name = "kinds"
		}
		return pflag.NormalizedName(name)
	})
}

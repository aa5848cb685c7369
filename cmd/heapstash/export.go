package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heapstash/archive/export"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const exportLong = `export writes samples to stdout, or to --output FILE, which appears once it is whole: all of them,
or those that the flags select. It sees the archive as it is when it begins, while passes write
on, and takes constant memory, however much there is. The formats are

  csv          a line a sample, with the columns of the view samples
  json         the same as an object a line
  openmetrics  text for "promtool tsdb create-blocks-from openmetrics": cpu/usage_rate is
               heapster_cpu_usage_rate, and counters end in _total. The labels are cluster, kind,
               namespace, pod, container, node, and what tells file systems, disks and accelerators
               apart. Prometheus has floats alone: integers beyond 2^53 are rounded there
  influx       line protocol for InfluxDB 1.x in the schema of Heapster's own sink, for its Grafana
               dashboards: a measurement a metric, the field value, and the tags type, cluster_name,
               namespace_name, pod_name, container_name, nodename, labels, container_base_image,
               resource_id, ... (of a pod, nodename and the next two as pod_identities knows them)

The ratios of nodes, such as cpu/node_utilization, which Heapster's model API cuts to 0 or 1, are
made anew of their two parts, and left out where a part is missing, or, of hours and days, where
what is allocatable changed. Values of *_rate are without fractions, as Heapster gave them.

With --level hourly or daily, a line of csv and json has the columns of the view samples_hourly or
samples_daily; openmetrics has a gauge for each, such as heapster_cpu_usage_rate_hourly_max; influx
has them as fields, all floats but samples, and as value a gauge's avg or a counter's last. Give that
a database of its own (--influx-database), for there value is a float. The time is when the hour or
the day begins.

OpenMetrics wants a metric's samples together, so that the archive is read once for each metric.
promtool reads the text once for each block of two hours: give it --max-block-duration 24h, or a
part at a time, where there is much.
A measurement of InfluxDB is of integers or of floats: what Heapster's sink writes as floats is
written so, and every metric of which the archive has a float.

--since is included and --until is not: ranges that follow one another have each sample once. Both
are a time, as in 2017-09-27 or 2017-09-27T07:00:00Z, or how long ago, as in 36h. In globs, * stands
for slashes too. With --namespace or --pod, only what is in a namespace or a pod is written. Every
cluster is, unless --cluster-name or its setting names one.

Until the end the -wal file only grows. Where the archive has none, as on NFS, passes wait: export a
snapshot there.

Exit codes: 0 done, also if there is nothing in the range of time; 1 failed, or no name matches; 10 no
archive; 130 interrupted.`

const exportExample = `  heapstash export --since 24h --namespace shop --metric 'memory/*' >shop.csv
  heapstash export --format json --kinds node --since 7d --until yesterday | gzip >week.json.gz
  heapstash export --format openmetrics --output heapster.om &&
    promtool tsdb create-blocks-from openmetrics heapster.om /var/lib/prometheus/metrics2
  influx -execute 'CREATE DATABASE k8s' &&
    heapstash export --format influx --output heapster.lp && influx -import -path heapster.lp
  heapstash export --level daily --since 8760h --kinds namespace >year.csv`

// exporting is what the flags of export say.
type exporting struct {
	format   string
	level    string
	output   string
	force    bool
	database string
	filter   sampleFilter
}

func newExportCommand() *cobra.Command {
	var x exporting
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write samples as CSV, JSON lines, OpenMetrics or InfluxDB's line protocol",
		Long:    exportLong,
		Example: exportExample,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			return x.run(cmd, cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&x.format, "format", string(export.CSV), "csv, json, openmetrics or influx")
	flags.StringVar(&x.level, "level", string(schema.Raw), "raw, hourly or daily: samples, or what they come to in an hour or a day")
	flags.StringVarP(&x.output, "output", "o", "", "file to write, with the mode of archive.mode (default stdout)")
	flags.BoolVar(&x.force, "force", false, "replace the file that --output names")
	flags.StringVar(&x.database, "influx-database", "k8s", "the database that the head of influx names for \"influx -import\"")
	x.filter.flags(flags)
	for name, words := range map[string][]string{"format": export.Formats(), "level": levelNames()} {
		if err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // there is no such flag
		}
	}
	return cmd
}

func levelNames() []string {
	var names []string
	for _, level := range schema.Levels() {
		names = append(names, string(level))
	}
	return names
}

// run exports.
func (x *exporting) run(cmd *cobra.Command, cfg config.Config) error {
	format, err := export.ParseFormat(x.format)
	if err != nil {
		return usage.Error(cmd, err)
	}
	if !slices.Contains(schema.Levels(), schema.Level(x.level)) {
		return usage.Error(cmd, fmt.Errorf("no level %q: use one of %s", x.level, strings.Join(levelNames(), ", ")))
	}
	if err := x.filter.check(); err != nil {
		return usage.Error(cmd, err)
	}
	if cfg.ClusterName != config.Default().ClusterName || cmd.Flags().Changed("cluster-name") {
		x.filter.cluster = cfg.ClusterName
	}
	reader, err := engine.Read(cmd.Context(), cfg.DBFile)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	if x.output == "" || x.output == "-" {
		return x.toStdout(cmd, reader, format)
	}
	started := time.Now()
	var result export.Result
	size, err := engine.WriteWhole(x.output, cfg.DBFile, fs.FileMode(cfg.Archive.Mode), x.force, func(w io.Writer) (err error) {
		result, err = x.write(cmd, reader, format, w, false)
		return err
	})
	if err != nil {
		return err
	}
	what := "samples"
	if schema.Level(x.level) != schema.Raw {
		what = "rollups"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d %s, %v, in %v\n",
		x.output, result.Samples, what, schema.Size(size), time.Since(started).Round(time.Millisecond))
	return err
}

// parting is how long an export may take to notice that it has to end.
const parting = 200 * time.Millisecond

// toStdout writes the samples to stdout. It ends with ctx even where nobody
// reads what it has written: nothing is left to be done then.
func (x *exporting) toStdout(cmd *cobra.Command, reader *engine.Reader, format export.Format) error {
	done := make(chan error, 1)
	go func() {
		_, err := x.write(cmd, reader, format, cmd.OutOrStdout(), show.IsTerminal(cmd.OutOrStdout()))
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-cmd.Context().Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(parting):
		return cmd.Context().Err()
	}
}

// write writes the samples, and tells on stderr what there is to tell. There is
// no progress where it would run into the output.
func (x *exporting) write(cmd *cobra.Command, reader *engine.Reader, format export.Format, w io.Writer, quiet bool) (result export.Result, err error) {
	var progress func(step string, done, all int)
	if !quiet {
		progress = show.Steps(cmd.ErrOrStderr())
	}
	if progress != nil {
		defer progress("", 0, 0)
	}
	selection := x.filter.selection()
	selection.Level = schema.Level(x.level)
	selection.Identities = format == export.Influx
	opts := export.Options{Level: selection.Level, Database: x.database}
	if progress != nil && format == export.OpenMetrics {
		opts.Step = func(m schema.MetricName, done, of int) { progress(string(m), done, of) }
	} else if progress != nil {
		selection.Step = everyHundredth(func(done, of int) { progress("entities", done, of) })
	}
	if err := x.filter.checkMatches(cmd.Context(), reader); err != nil {
		return result, err
	}
	samples, err := reader.OpenSamples(cmd.Context(), selection)
	if err != nil {
		return result, err
	}
	defer samples.Close() // read only
	if err := x.filter.checkNames(samples.Names()); err != nil {
		return result, err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	result, err = export.Write(out, samples, format, opts)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		tellResult(cmd.ErrOrStderr(), result)
		tellCut(cmd.ErrOrStderr(), samples.Wanted(), result)
	}
	return result, err
}

// everyHundredth passes on a step in a hundred parts of the way.
func everyHundredth(step func(done, of int)) func(done, of int) {
	shown := -1
	return func(done, of int) {
		if part := done * 100 / of; part != shown {
			shown = part
			step(done, of)
		}
	}
}

// tellResult says what a result has that the output does not show.
func tellResult(w io.Writer, result export.Result) {
	if result.Omitted > 0 {
		show.Lines(w, "heapstash: ", fmt.Sprintf("%d infinite values are left out, which InfluxDB has no way to store", result.Omitted))
	}
	if result.Samples == 0 {
		show.Lines(w, "heapstash: ", "nothing is selected")
		show.Lines(w, "hint: ", "`heapstash status` says from when to when there are samples, and of what; an hour is there 20 minutes after its end")
	}
}

// tellCut says which of the metrics may have lost fractions, which the output
// does not show. Ratios of nodes are exact.
func tellCut(w io.Writer, metrics []schema.MetricName, result export.Result) {
	cut := slices.ContainsFunc(metrics, func(name schema.MetricName) bool {
		m, _ := schema.Lookup(name)
		_, ok := m.CounterOf()
		return ok
	})
	if cut && result.Samples > 0 {
		show.Lines(w, "note: ", "Heapster's model API cuts the fractions of *_rate, but for cpu/usage_rate: the growth of the counters has them")
	}
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

package demo

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/sqlshell"
	"heapstash/schema"
)

// width is the width of the demo's own lines.
const width = 79

const question = `SELECT namespace, pod, count(*) AS hours,
      max(cpu_request_max) AS request, max(cpu_usage_rate_p95) AS millicores,
      max(memory_working_set_max) / 1048576 AS max_mib
    FROM pod_hourly GROUP BY namespace, pod ORDER BY millicores DESC LIMIT 8`

// show asks the archive, says what to do next, and ends with a chart.
func (d *Demonstration) show(ctx context.Context) error {
	fmt.Fprintf(d.Out, "\nThe archive is %s (%s). Which pods use most CPU?\n\n", d.Cfg.DBFile, schema.Size(engine.FileSize(d.Cfg.DBFile)))
	fmt.Fprintf(d.Out, "  sqlite3 -header -column %s \"\n    %s\"\n\n", d.Cfg.DBFile, question)
	if err := (sqlshell.Statement{Format: "table"}).Run(ctx, d.Out, d.Cfg.DBFile, question); err != nil {
		return err
	}
	fmt.Fprintf(d.Out, `
It is plain SQLite, and "%[1]s sql" gives the same.
Every example of README.md and docs/ runs on it after

%[3]s  export HEAPSTASH_DB_FILE=%[2]s HEAPSTASH_CLUSTER_NAME=demo

Your own cluster, by one of four ways in:

  heapstash collect --heapster-url http://localhost:8082    Heapster, or a URL
                                                            in front of it
  heapstash collect --server http://127.0.0.1:8080          a kubectl proxy
  heapstash collect --kubeconfig admin.conf                 an apiserver
  heapstash collect                                         in a pod: by its
                                                            service account

Heapster forgets most samples after 140 seconds, so collect every minute, or
let heapstash do that: heapstash run --db-file /var/lib/heapstash/heapstash.db

Which namespace grew, and when?

`, d.Program, d.Cfg.DBFile, pathLine(d.Program))
	fmt.Fprintf(d.Out, "  %s query memory/usage --by namespace --since 7d --chart\n\n", d.Program)
	return d.chart(ctx)
}

// pathLine returns a line for a shell that adds the program's directory to PATH. It is
// empty if the program was found by its name.
func pathLine(program string) string {
	directory := filepath.Dir(program)
	switch {
	case !strings.Contains(program, "/"):
		return ""
	case !filepath.IsAbs(directory):
		directory = "$PWD/" + directory
	}
	return fmt.Sprintf("  export PATH=\"%s:$PATH\"\n", directory)
}

// chart draws the chart of that command.
func (d *Demonstration) chart(ctx context.Context) error {
	now := schema.InstantOf(time.Now())
	question := ask.Question{
		Query:   query.Query{By: []string{"namespace"}, From: now.Add(-7 * 24 * time.Hour), To: now + 1},
		Metrics: []string{"memory/usage"}, Format: "table", Unit: "auto", Chart: true, Quiet: true,
	}
	return engine.Ask(ctx, d.Cfg, 0, func(ctx context.Context, reader engine.Reader) error {
		return question.Answer(ctx, reader, d.Out, io.Discard)
	})
}

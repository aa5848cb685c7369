package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"heapstash/schema"
)

// demoWidth is what the demo's own lines keep within.
const demoWidth = 79

const demoQuery = `SELECT namespace, pod, count(*) AS hours,
      max(cpu_request_max) AS request, max(cpu_usage_rate_p95) AS millicores,
      max(memory_working_set_max) / 1048576 AS max_mib
    FROM pod_hourly GROUP BY namespace, pod ORDER BY millicores DESC LIMIT 8`

// show asks the archive, tells how to go on, and ends with a chart.
func (d *demonstration) show(ctx context.Context) error {
	fmt.Fprintf(d.out, "\nThe archive is %s (%s). Which pods use most CPU?\n\n", d.cfg.DBFile, schema.Size(fileSize(d.cfg.DBFile)))
	fmt.Fprintf(d.out, "  sqlite3 -header -column %s \"\n    %s\"\n\n", d.cfg.DBFile, demoQuery)
	if err := (statement{format: "table"}).run(ctx, d.out, d.cfg.DBFile, demoQuery); err != nil {
		return err
	}
	fmt.Fprintf(d.out, `
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

`, d.program, d.cfg.DBFile, pathLine(d.program))
	fmt.Fprintf(d.out, "  %s query memory/usage --by namespace --since 7d --chart\n\n", d.program)
	return d.chart(ctx)
}

// pathLine is a line for a shell, after which the program is called heapstash;
// empty where it was found by that name.
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

// chart draws what that command would, whatever the settings.
func (d *demonstration) chart(ctx context.Context) error {
	a := asking{by: []string{"namespace"}, level: "auto", format: "table", chart: true, quiet: true, timeout: usualTimeout}
	if err := a.times.since.Set("7d"); err != nil {
		return err
	}
	question, err := a.question()
	if err != nil {
		return err
	}
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetOut(d.out)
	return a.run(cmd, d.cfg.DBFile, question, []string{"memory/usage"})
}

// folded breaks a line at words.
func folded(line string) string {
	var b strings.Builder
	for part := range strings.Lines(text.WrapSoft(line, demoWidth)) {
		b.WriteString(strings.TrimRight(part, " \n") + "\n")
	}
	return b.String()
}

package tools

import (
	"fmt"
	"heapstash/e2e/rig"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// growPods copies the archive's six batches of 25 pods into the past, as hours of a
// batch a minute in the cold table.
const growPods = `WITH RECURSIVE n (i) AS (SELECT %[1]d * 10 UNION ALL SELECT i - 1 FROM n WHERE i > 1)
	INSERT INTO pod_cold (entity_id, ts, %[2]s) SELECT e.id, s.ts - 360 * n.i, %[3]s
	FROM (SELECT DISTINCT entity_id AS id FROM pod_hot) e CROSS JOIN n CROSS JOIN (SELECT DISTINCT ts FROM pod_hot) t
	CROSS JOIN pod_hot s ON s.ts = t.ts AND s.entity_id = e.id`

// grown makes an archive of several hours.
func grown(tb testing.TB, hours int) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	collected(tb, dir)
	archive := filepath.Join(dir, "a.db")
	columns := rig.SQL(tb, archive, "SELECT group_concat(name) FROM pragma_table_info('pod_cold') WHERE pk = 0")
	var values []string
	for column := range strings.SplitSeq(columns, ",") {
		values = append(values, "s."+column+" + n.i % 7")
	}
	if _, err := rig.Shell(tb.Context(), archive, fmt.Sprintf(growPods, hours, columns, strings.Join(values, ", "))); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// exportPods runs an export, or a command to compare with it, and returns its maximum
// of memory in bytes.
func exportPods(tb testing.TB, dir string, args ...string) (peak int64) {
	tb.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer null.Close()
	cmd := exec.Command(heapstash, append(args, "--db-file", filepath.Join(dir, "a.db"))...)
	cmd.Stdout, cmd.Stderr = null, os.Stderr
	if err := cmd.Run(); err != nil {
		tb.Fatal(err)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024
}

var formats = []string{"csv", "json", "openmetrics", "influx"}

// TestExportInConstantMemory: ten times the samples take no more memory. The garbage
// collector may take a tenth more.
func TestExportInConstantMemory(t *testing.T) {
	small, large := grown(t, 4), grown(t, 40)
	for _, format := range formats {
		few := exportPods(t, small, "export", "--format", format)
		many := exportPods(t, large, "export", "--format", format)
		if many > few+few/10+4<<20 {
			t.Errorf("%s: %d bytes of memory for 4 hours, %d for 40", format, few, many)
		}
	}
}

// BenchmarkExport exports ten days of 25 pods, 8 million samples. For comparison, sql
// prints the same rows of the view samples.
func BenchmarkExport(b *testing.B) {
	dir := grown(b, 240)
	samples, err := strconv.Atoi(rig.SQL(b, filepath.Join(dir, "a.db"), "SELECT count(*) FROM samples WHERE kind = 'pod'"))
	if err != nil {
		b.Fatal(err)
	}
	measure := func(b *testing.B, args ...string) time.Duration {
		var peak int64
		for b.Loop() {
			peak = max(peak, exportPods(b, dir, args...))
		}
		b.ReportMetric(float64(samples)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
		b.ReportMetric(float64(peak)/1e6, "MB")
		return b.Elapsed()
	}
	var sql time.Duration
	b.Run("sql", func(b *testing.B) {
		sql = measure(b, "sql", "--timeout", "0", "--format", "csv", "SELECT * FROM samples WHERE kind = 'pod'") / time.Duration(b.N)
	})
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			took := measure(b, "export", "--format", format, "--kinds", "pod") / time.Duration(b.N)
			b.ReportMetric(float64(sql)/float64(took), "times-as-fast-as-sql")
		})
	}
}

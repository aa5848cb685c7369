package oracle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// Lake returns the samples of all Parquet files in the directory, as lines of
// `SELECT * FROM samples`, sorted. metrics are the metrics' names by their columns.
func Lake(dir string, metrics map[string]string) (lines []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		own, err := lakeFile(path, metrics)
		lines = append(lines, own...)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return err
	})
	slices.Sort(lines)
	return lines, err
}

// lakeFile reads a file row by row.
func lakeFile(path string, metrics map[string]string) (lines []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	kind, cluster, err := lakeDirectory(path)
	if err != nil {
		return nil, err
	}
	reader := parquet.NewReader(file)
	defer reader.Close()
	var columns []string
	for _, column := range reader.Schema().Columns() {
		columns = append(columns, column[0])
	}
	rows := make([]parquet.Row, 64)
	for {
		n, err := reader.ReadRows(rows)
		for _, row := range rows[:n] {
			names := map[string]string{"cluster": cluster, "entity_kind": kind, "metric": ""}
			values := make(map[string]string)
			for _, v := range row {
				switch column := columns[v.Column()]; {
				case v.IsNull():
				case v.Kind() == parquet.ByteArray:
					names[column] = v.String()
				case v.Kind() == parquet.Int64:
					values[column] = strconv.FormatInt(v.Int64(), 10)
				default:
					// Beside an integer, it is the exact ratio, which the view does not have.
					if column = strings.TrimSuffix(column, "_float"); values[column] == "" {
						values[column] = spellFloat(v.Double())
					}
				}
			}
			at, _ := strconv.ParseInt(values["ts"], 10, 64)
			if values["time"] != values["ts"]+"000" {
				return lines, fmt.Errorf("time is %s, and ts %s", values["time"], values["ts"])
			}
			delete(values, "ts")
			delete(values, "time")
			for column, value := range values {
				metric := metrics[column]
				if names["metric"] != "" {
					metric = names["metric"]
				}
				fields := []string{names["cluster"], names["entity_kind"], names["namespace"], names["pod"], names["container"], names["node"], names["labels"], metric,
					strconv.FormatInt(at, 10), time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05Z"), value}
				for i, field := range fields {
					if field == "" {
						fields[i] = "NULL"
					}
				}
				lines = append(lines, strings.Join(fields, "\t"))
			}
		}
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
	}
}

// lakeDirectory returns the kind and the cluster in a path.
func lakeDirectory(path string) (kind, cluster string, err error) {
	for part := range strings.SplitSeq(path, "/") {
		if value, ok := strings.CutPrefix(part, "kind="); ok {
			kind = value
		}
		if value, ok := strings.CutPrefix(part, "cluster="); ok {
			if cluster, err = url.PathUnescape(value); err != nil {
				return "", "", err
			}
		}
	}
	return kind, cluster, nil
}

// spellFloat spells a float as [Rounded] does.
func spellFloat(v float64) string { return strconv.FormatFloat(v, 'g', 12, 64) }

// Rounded returns the lines of `SELECT * FROM samples` with floats to 12 digits, as [Lake]
// spells them.
func Rounded(samples []string) []string {
	rounded := slices.Clone(samples)
	for i, line := range rounded {
		cut := strings.LastIndex(line, "\t") + 1
		if value := line[cut:]; strings.ContainsAny(value, ".eI") {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				rounded[i] = line[:cut] + spellFloat(v)
			}
		}
	}
	slices.Sort(rounded)
	return rounded
}

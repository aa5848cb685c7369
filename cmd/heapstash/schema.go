package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

// metricLine is one metric of the registry, as `schema --json` prints it.
type metricLine struct {
	Name        schema.MetricName `json:"name"`
	Column      string            `json:"column"`
	Unit        schema.Unit       `json:"unit"`
	Type        schema.MetricType `json:"type"`
	Kinds       []schema.Kind     `json:"kinds"`
	Labels      []string          `json:"labels,omitempty"`
	Description string            `json:"description"`
}

func newSchemaCommand() *cobra.Command {
	var asJSON, replicated bool
	var engineName, address, version string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "List the metrics that heapstash knows",
		Long: "schema lists the metrics of Heapster's storage schema: name, column in the archive's\n" +
			"views, unit, type, and the kinds of entity that have it. Other metrics, such as those\n" +
			"below custom/, are archived too, without a column: see the view samples.\n\n" +
			"With --engine clickhouse, it prints the statements that make an archive in ClickHouse,\n" +
			"for people who make the tables by hand. Otherwise the first pass makes them. Servers\n" +
			"before 20 do not know all that the statements use: name their version.",
		Example: "  heapstash schema --json\n" +
			"  heapstash schema --engine clickhouse --address clickhouse://ch1:9000/heapstash?cluster=prod --replicated\n" +
			"  heapstash schema --engine clickhouse --server-version 18.16",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case engineName == "clickhouse":
				major, err := majorOf(version)
				if err != nil {
					return usage.Error(cmd, err)
				}
				return printServerSchema(cmd.OutOrStdout(), address, major, replicated)
			case engineName != "":
				return usage.Error(cmd, fmt.Errorf("--engine %s: write clickhouse; `heapstash sql --schema` lists what SQLite has", engineName))
			case address != "" || replicated || version != newestVersion:
				return usage.Error(cmd, errors.New("--address, --replicated and --server-version go with --engine clickhouse"))
			}
			t := show.NewTable(cmd.OutOrStdout(), "name", "column", "unit", "type", "kinds", "description")
			lines := json.NewEncoder(cmd.OutOrStdout())
			for _, m := range schema.Registry() {
				if !asJSON {
					t.Row(m.Name, m.Column(), m.Unit, m.Type, strings.Join(show.Names(m.Kinds), ", "), m.Meaning())
				} else if err := lines.Encode(metricLine{m.Name, m.Column(), m.Unit, m.Type, m.Kinds, m.Family.LabelKeys(), m.Meaning()}); err != nil {
					return err
				}
			}
			if !asJSON {
				t.Render()
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line")
	cmd.Flags().StringVar(&engineName, "engine", "", "clickhouse: print the statements that make an archive there")
	cmd.Flags().StringVar(&address, "address", "", "with --engine: the archive's address, for the names of the database and the cluster")
	cmd.Flags().BoolVar(&replicated, "replicated", false, "with --engine: the cluster's shards have replicas")
	cmd.Flags().StringVar(&version, "server-version", newestVersion, "with --engine: the oldest version among the servers, such as 18.16")
	complete.Words(cmd, "engine", "clickhouse")
	return cmd
}

// newestVersion is a version of ClickHouse that knows all that the statements use.
const newestVersion = "26"

// majorOf returns the first number of a server's version.
func majorOf(version string) (uint64, error) {
	first, _, _ := strings.Cut(version, ".")
	major, err := strconv.ParseUint(first, 10, 16)
	if err != nil || major < 18 {
		return 0, fmt.Errorf("--server-version %s: write a version from 18.16 on", version)
	}
	return major, nil
}

func printServerSchema(w io.Writer, address string, major uint64, replicated bool) error {
	statements, err := engine.SchemaOfServer(cmp.Or(address, "clickhouse://localhost/heapstash"), major, replicated)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := fmt.Fprintf(w, "%s;\n", statement); err != nil {
			return err
		}
	}
	return nil
}

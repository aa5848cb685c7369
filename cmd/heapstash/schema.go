package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/show"
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
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "List the metrics that heapstash knows",
		Long: "schema lists the metrics of Heapster's storage schema: name, column in the archive's\n" +
			"views, unit, type, and the kinds of entity that have it. Other metrics, such as those\n" +
			"below custom/, are archived too, without a column: see the view samples.",
		RunE: func(cmd *cobra.Command, _ []string) error {
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
	return cmd
}

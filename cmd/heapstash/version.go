package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/build"
)

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which heapstash this is",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := build.Info()
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(b)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "heapstash %s (%s, %s)\n", b.Version, b.Go, b.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

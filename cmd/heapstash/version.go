package main

import (
	"fmt"
	"io"

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
			return printResult(cmd, asJSON, b, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "heapstash %s (%s, %s)\n", b.Version, b.Go, b.Platform)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

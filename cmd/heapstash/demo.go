package main

import (
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/demo"
	"heapstash/schema"
)

const demoLong = `demo makes an archive of a made-up cluster. It writes a week of samples, with hours and days,
straight into the file. Then a stand-in for Heapster shows the last minutes, and a pass
archives each of them. demo needs no cluster, and takes about ten seconds and 70 MB.

demo reads --db-file (or --archive FILE) only (default ` + demo.File + `). It never writes into an archive of another
cluster. When demo runs again, it continues its archive up to now. Every example of the
documents runs on this archive.

With --serve, the stand-in stays until Ctrl-C, with a new batch every minute, as a real
Heapster has. With another --resolution, collect into an archive of your own: a later demo
continues with a batch a minute, and other values.`

func newDemoCommand() *cobra.Command {
	var d demo.Demonstration
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Archive a made-up cluster, and show what to do next",
		Long:    demoLong,
		Example: "  heapstash demo\n  heapstash demo --serve",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := config.Default()
			cfg.DBFile = demo.File
			for _, name := range []string{"db-file", "archive"} {
				f := cmd.Flags().Lookup(name)
				if !f.Changed {
					continue
				}
				path, isFile := config.FileOf(f.Value.String())
				if !isFile {
					return schema.WithHint(errors.New("demo makes an SQLite file"), "`heapstash copy "+demo.File+" clickhouse://user@host:9000/database` copies it to a server then")
				}
				cfg.DBFile = path
			}
			cfg.ClusterName = demo.Cluster
			cfg.LogLevel = slog.LevelWarn
			d.Cfg, d.Out, d.Errors, d.Program, d.Now = cfg, cmd.OutOrStdout(), cmd.ErrOrStderr(), os.Args[0], time.Now
			d.Log = config.NewLogger(d.Errors, cfg)
			return d.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&d.Days, "days", 7, "how many days before today a new archive begins")
	f.BoolVar(&d.Stay, "serve", false, "then let the stand-in for Heapster answer, with new batches, until Ctrl-C")
	f.StringVar(&d.Listen, "listen", "127.0.0.1:8082", "with --serve: where the stand-in answers; port 0 for any")
	f.DurationVar(&d.Resolution, "resolution", demo.Step, "with --serve: the time between two batches")
	return cmd
}

package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/demo"
)

func newDemoCommand() *cobra.Command {
	var d demo.Demonstration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Archive a made-up cluster, and show what to do next",
		Long: "demo makes an archive of a made-up cluster: a week of it is written straight into the\n" +
			"file, with its hours and days. Then a stand-in for Heapster shows the last minutes, and\n" +
			"a pass archives each. It needs no cluster and takes some ten seconds and 70 MB.\n\n" +
			"It heeds --db-file only (default " + demo.DemoFile + "), and never writes into an archive of\n" +
			"anything else. Run again, it brings its archive up to now, from where it stopped. Every\n" +
			"example of the documents runs on it.\n\n" +
			"With --serve, the stand-in stays, with a batch a minute as a real one, until Ctrl-C.\n" +
			"With another --resolution, collect into an archive of your own: a later demo goes on with\n" +
			"a batch a minute, and its values differ from those that the stand-in had.",
		Example: "  heapstash demo\n" +
			"  heapstash demo --serve",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := config.Default()
			cfg.DBFile = demo.DemoFile
			if f := cmd.Flags().Lookup("db-file"); f.Changed {
				cfg.DBFile = f.Value.String()
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
	f.BoolVar(&d.Stay, "serve", false, "then keep the stand-in for Heapster answering, with new batches, until Ctrl-C")
	f.StringVar(&d.Listen, "listen", "127.0.0.1:8082", "with --serve: where the stand-in answers; port 0 for any")
	f.DurationVar(&d.Resolution, "resolution", demo.Step, "with --serve: the time between two batches")
	return cmd
}

package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/access"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/passes"
)

func newCollectCommand() *cobra.Command {
	var asJSON, acceptNewNodes bool
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Archive what Heapster shows now, once",
		Long: "collect makes one pass: it asks Heapster for everything that the archive does not have\n" +
			"yet, stores it, and says what is missing. Heapster keeps most samples for 140 seconds, so\n" +
			"have it run every minute: by cron, a systemd timer or a CronJob, or use `heapstash run`.\n\n" +
			"Exit codes: 0 done; 1 failed; 3 done with holes (see --partial-ok); 10 the file is no\n" +
			"archive of ours, or a newer heapstash's; 11 another writer holds it; 130 interrupted.",
		Example: "  heapstash collect --heapster-url http://localhost:8082\n" +
			"  heapstash collect --server http://127.0.0.1:8080    # a kubectl proxy\n" +
			"  heapstash collect --kubeconfig admin.conf --db-file /var/lib/heapstash/prod.db",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			log := config.NewLogger(cmd.ErrOrStderr(), cfg)
			access.Warn(cfg, log)
			p := &passes.Passer{Cfg: cfg, AcceptNewNodes: acceptNewNodes, Log: log, NewLevel: slog.LevelDebug, Now: time.Now}
			started := p.Now()
			summary, err := p.Pass(cmd.Context())
			var unwritten error
			if cfg.MetricsTextfile != "" {
				ended := p.Now()
				unwritten = passes.Textfile{Cfg: cfg, Log: log}.Write(summary, ended, ended.Sub(started), err)
			}
			switch out := cmd.OutOrStdout(); {
			case summary.Pass.ID == 0: // it did not begin
			case asJSON:
				err = errors.Join(err, json.NewEncoder(out).Encode(summary))
			default:
				err = errors.Join(err, passes.PrintSummary(out, summary))
			}
			if err == nil && !summary.Complete() && !cfg.PartialOK {
				err = passes.HolesError(summary.Holes)
			}
			return errors.Join(err, unwritten)
		},
	}
	config.AddFlags(cmd.Flags(), config.AccessFlags, config.PassFlags, config.LockFlags, config.OnceFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as one JSON object, the last line of stdout")
	cmd.Flags().BoolVar(&acceptNewNodes, "accept-new-nodes", false, "store what comes from none of the cluster's nodes of late: once, after all were replaced")
	return cmd
}

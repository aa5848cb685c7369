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

const collectLong = `collect makes one pass: it asks Heapster for everything that the archive does not have
yet, stores it, and says what is missing. Heapster keeps most samples for 140 seconds, so
have it run every minute: by cron, a systemd timer or a CronJob, or use ` + "`heapstash run`" + `.

Exit codes: 0 done; 1 failed; 3 done with holes (see --partial-ok); 10 the file is not an
archive of heapstash, or a newer heapstash made it; 11 another writer holds it; 130
interrupted.`

const collectExample = `  heapstash collect --heapster-url http://localhost:8082
  heapstash collect --server http://127.0.0.1:8080    # a kubectl proxy
  heapstash collect --kubeconfig admin.conf --db-file /var/lib/heapstash/prod.db`

func newCollectCommand() *cobra.Command {
	var asJSON, acceptNewNodes bool
	cmd := &cobra.Command{
		Use:     "collect",
		Short:   "Archive what Heapster shows now, once",
		Long:    collectLong,
		Example: collectExample,
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
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
			case summary.Pass.ID == 0: // the pass did not begin
			case asJSON:
				err = errors.Join(err, json.NewEncoder(out).Encode(summary))
			default:
				err = errors.Join(err, passes.PrintSummary(out, summary))
			}
			if err == nil && !summary.Complete() && !cfg.PartialOK {
				err = passes.HolesError(summary.Holes)
			}
			return errors.Join(err, unwritten)
		}),
	}
	config.AddFlags(cmd.Flags(), config.AccessFlags, config.PassFlags, config.LockFlags, config.OnceFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as one JSON object, the last line of stdout")
	cmd.Flags().BoolVar(&acceptNewNodes, "accept-new-nodes", false, "store samples even if no node of the cluster was seen before: once, after all nodes were replaced")
	return cmd
}

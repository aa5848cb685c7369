package main

import (
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/access"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/passes"
	"heapstash/cmd/heapstash/schedule"
)

const runLong = `run makes a pass at once and then on its own schedule, and serves /metrics, /healthz and
/readyz. If a pass fails, run logs it and goes on with the next one. SIGTERM ends the pass
in hand, keeps what it stored, and exits 0. The archive is locked only during a pass. If
there is no archive at the start, run makes one. If it vanishes later, passes fail: run
does not make another one.`

func newRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "Archive what Heapster shows, on a schedule, until told to stop",
		Long:    runLong,
		Example: "  heapstash run --db-file /var/lib/heapstash/prod.db --listen :9278",
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			times, err := schedule.Parse(cfg.Schedule)
			if err != nil {
				return err
			}
			log := config.NewLogger(cmd.ErrOrStderr(), cfg)
			access.Warn(cfg, log)
			if warning := times.Warning(); warning != "" {
				log.Warn(warning, "schedule", cfg.Schedule)
			}
			m := passes.NewMonitor(cfg, max(3*times.LongestPause(), 5*time.Minute), time.Now)
			if cfg.Listen != "" {
				stop, err := passes.Listen(cfg.Listen, m.Handler(), log)
				if err != nil {
					return err
				}
				defer stop()
			}
			p := &passes.Passer{Cfg: cfg, Log: log, Now: time.Now}
			return passes.Resident{Pass: p.Pass, Schedule: times, Record: m.Record, Log: log}.Run(cmd.Context())
		}),
	}
	config.AddFlags(cmd.Flags(), config.AccessFlags, config.PassFlags, config.LockFlags, config.ResidentFlags)
	return cmd
}

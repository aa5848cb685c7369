package main

import (
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/access"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/passes"
	"heapstash/cmd/heapstash/schedule"
)

func newRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Archive what Heapster shows, on a schedule, until told to stop",
		Long: "run makes a pass at once and then on its own schedule, and serves /metrics, /healthz and\n" +
			"/readyz. A pass that fails is logged, and the next one goes on. SIGTERM ends the pass in\n" +
			"hand, keeps what it stored, and exits 0. The archive is locked only during a pass. It is\n" +
			"made at the start, if there is none; one that vanishes later is missed, not made again.",
		Example: "  heapstash run --db-file /var/lib/heapstash/prod.db --listen :9278",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
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
		},
	}
	config.AddFlags(cmd.Flags(), config.AccessFlags, config.PassFlags, config.LockFlags, config.ResidentFlags)
	return cmd
}

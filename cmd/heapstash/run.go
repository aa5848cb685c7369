package main

import (
	"time"

	"github.com/spf13/cobra"
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
			cfg, err := loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			schedule, err := parseSchedule(cfg.Schedule)
			if err != nil {
				return err
			}
			log := newLogger(cmd.ErrOrStderr(), cfg)
			warnOfAccess(cfg, log)
			if warning := scheduleWarning(schedule); warning != "" {
				log.Warn(warning, "schedule", cfg.Schedule)
			}
			m := newMonitor(cfg, max(3*longestPause(schedule), 5*time.Minute), time.Now)
			if cfg.Listen != "" {
				stop, err := serve(cfg.Listen, m.handler(), log)
				if err != nil {
					return err
				}
				defer stop()
			}
			p := &passer{cfg: cfg, log: log, now: time.Now}
			return resident{pass: p.pass, schedule: schedule, record: m.record, log: log}.run(cmd.Context())
		},
	}
	addSettings(cmd.Flags(), accessFlags, passFlags, lockFlags, residentFlags)
	return cmd
}

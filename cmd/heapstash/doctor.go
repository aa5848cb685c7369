package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/doctor"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

func newDoctorCommand() *cobra.Command {
	var asJSON bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong on the way from Heapster to the archive, and how to mend it",
		Long: "doctor reaches Heapster by the same settings as collect, and checks the way in and its\n" +
			"permissions, which of Heapster's features answer, how often it makes samples and how long\n" +
			"it shows them against the schedule, the clocks, and the archive's file, file system, space\n" +
			"and last pass. Each finding is ok, a warning, or a fault (passes fail or lose samples),\n" +
			"with what to do about it. It neither creates nor changes an archive.\n\n" +
			"Exit codes: 0 no fault, whatever the warnings; 1 a fault, or it could not look.",
		Example: "  heapstash doctor --kubeconfig admin.conf --db-file /var/lib/heapstash/prod.db\n" +
			"  heapstash doctor --heapster-url http://localhost:8082 --every 5m    # cron: */5 * * * *",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			e := doctor.Examiner{Cfg: cfg, Now: time.Now}
			if e.File, err = config.FindFile(cmd.Flags()); err != nil {
				return err
			}
			if err := e.SetSchedule(cfg.Schedule, every); err != nil {
				return usage.Error(cmd, err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), flags.UsualTimeout)
			defer cancel()
			report, err := e.Examine(ctx)
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return schema.WithHint(fmt.Errorf("it took longer than %v", flags.UsualTimeout), "Heapster, or the disk of the archive, is very slow: lower --timeout and --tries")
			}
			if err != nil {
				return err
			}
			if err := doctor.Print(cmd.OutOrStdout(), report, asJSON); err != nil {
				return err
			}
			if report.Count(doctor.Fault) > 0 {
				return errors.New("the doctor found a fault")
			}
			return nil
		},
	}
	config.AddFlags(cmd.Flags(), config.AccessFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().DurationVar(&every, "every", 0, "how often passes are made, if not by the schedule of run")
	return cmd
}

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

const doctorLong = `doctor reaches Heapster with the same settings as collect. It checks the way to Heapster and
its permissions, which of Heapster's features answer, and the clocks. It compares how often
Heapster makes samples, and how long it shows them, with the schedule of passes. It checks
the archive's file, file system, space, last pass and lake. Each finding is ok, a warning, or
a fault (passes fail, or samples are lost), and says what to do. doctor neither creates nor
changes an archive.

Exit codes: 0 no fault, whatever the warnings; 1 a fault, or it could not check.`

const doctorExample = `  heapstash doctor --kubeconfig admin.conf --db-file /var/lib/heapstash/prod.db
  heapstash doctor --heapster-url http://localhost:8082 --every 5m    # cron: */5 * * * *`

func newDoctorCommand() *cobra.Command {
	var asJSON bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Find what is wrong between Heapster and the archive, and say what to do",
		Long:    doctorLong,
		Example: doctorExample,
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			e := doctor.Examiner{Cfg: cfg, Now: time.Now}
			var err error
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
			if err := printResult(cmd, asJSON, report, report.Print); err != nil {
				return err
			}
			if report.Count(doctor.Fault) > 0 {
				return errors.New("the doctor found a fault")
			}
			return nil
		}),
	}
	config.AddFlags(cmd.Flags(), config.AccessFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().DurationVar(&every, "every", 0, "how often passes are made, if not by the schedule of run")
	return cmd
}

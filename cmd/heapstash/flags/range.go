package flags

import (
	_ "time/tzdata"

	"github.com/spf13/pflag"
)

// Range are --since, --until and --tz.
type Range struct {
	Since, Until Moment
	Zone         Zone
}

// Add adds the flags, with the usages of the first two.
func (r *Range) Add(flags *pflag.FlagSet, since, until string) {
	r.Since.zone, r.Until.zone = &r.Zone, &r.Zone
	flags.Var(&r.Since, "since", since)
	flags.Var(&r.Until, "until", until)
	flags.Var(&r.Zone, "tz", "time zone of --since and --until, and of the times for people: such as Europe/Berlin, or Local")
}

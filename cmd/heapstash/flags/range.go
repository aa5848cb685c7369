// Package flags has the flags that several commands share and that are not
// settings: moments, lengths of time, filters by names, and how to print rows.
package flags

import "github.com/spf13/pflag"

// Range is the flags --since, --until and --tz.
type Range struct {
	Since, Until Moment
	Zone         Zone
}

// Add adds the flags. The help of the first two is the command's own.
func (r *Range) Add(set *pflag.FlagSet, since, until string) {
	r.Since.zone, r.Until.zone = &r.Zone, &r.Zone
	set.Var(&r.Since, "since", since)
	set.Var(&r.Until, "until", until)
	set.Var(&r.Zone, "tz", "time zone of --since and --until, and of the times for people: such as Europe/Berlin, or Local")
}

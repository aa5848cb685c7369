package main

import (
	_ "time/tzdata"

	"github.com/spf13/pflag"
)

// rangeFlags are --since, --until and --tz.
type rangeFlags struct {
	since, until momentFlag
	zone         zoneFlag
}

// add adds the flags, with the usages of the first two.
func (r *rangeFlags) add(flags *pflag.FlagSet, since, until string) {
	r.since.zone, r.until.zone = &r.zone, &r.zone
	flags.Var(&r.since, "since", since)
	flags.Var(&r.until, "until", until)
	flags.Var(&r.zone, "tz", "time zone of --since and --until, and of the times for people: such as Europe/Berlin, or Local")
}

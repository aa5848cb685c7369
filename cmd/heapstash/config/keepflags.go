package config

import (
	"strings"

	"github.com/spf13/pflag"

	"heapstash/archive"
)

// KeepFlags are the flags --keep-raw, --keep-hourly and --keep-daily, which replace
// settings of archive.retention.
type KeepFlags struct {
	lists map[archive.Level]*keepFlag
}

// keepFlag is a flag of a [keepList], such as 90d,container=30d.
type keepFlag struct {
	text string
	list keepList
}

func (k *keepFlag) String() string { return k.text }

func (k *keepFlag) Type() string { return "times" }

// Set reads the times.
func (k *keepFlag) Set(text string) (err error) {
	k.text = text
	k.list, err = decodeKeep(text)
	return err
}

func (k *KeepFlags) Add(flags *pflag.FlagSet) {
	k.lists = make(map[archive.Level]*keepFlag)
	for level, what := range map[archive.Level]string{archive.Raw: "samples", archive.Hourly: "hours", archive.Daily: "days"} {
		k.lists[level] = new(keepFlag)
		flags.Var(k.lists[level], keepName(level), "how long "+what+" are kept, such as 90d or 90d,container=30d; 0s for ever (default archive.retention."+string(level)+")")
	}
}

func keepName(level archive.Level) string { return "keep-" + string(level) }

// Override replaces the settings by the flags that are given.
func (k *KeepFlags) Override(flags *pflag.FlagSet, r *Retention) error {
	changed := false
	for level, setting := range map[archive.Level]*keepList{archive.Raw: &r.Raw, archive.Hourly: &r.Hourly, archive.Daily: &r.Daily} {
		if flags.Changed(keepName(level)) {
			*setting, changed = k.lists[level].list, true
		}
	}
	if !changed {
		return nil
	}
	var found Faults
	r.check(&found)
	if len(found) == 0 {
		return nil
	}
	for i, f := range found {
		level := archive.Level(f.key[strings.LastIndex(f.key, ".")+1:])
		if flags.Changed(keepName(level)) {
			found[i].from = "--" + keepName(level)
		}
	}
	return found
}

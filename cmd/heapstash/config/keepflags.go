package config

import (
	"strings"

	"github.com/spf13/pflag"

	"heapstash/archive"
)

// KeepFlags are the values of the flags --keep-raw, --keep-hourly and --keep-daily,
// which replace settings of archive.retention.
type KeepFlags map[archive.Level]keepList

func keepName(level archive.Level) string { return "keep-" + string(level) }

// Add adds the flags.
func (k KeepFlags) Add(set *pflag.FlagSet) {
	for level, rows := range map[archive.Level]string{archive.Raw: "samples", archive.Hourly: "hours", archive.Daily: "days"} {
		usage := "`times` for which " + rows + " are kept, such as 90d or 90d,container=30d; 0s for ever (default archive.retention." + string(level) + ")"
		set.Func(keepName(level), usage, func(text string) (err error) {
			k[level], err = decodeKeep(text)
			return err
		})
	}
}

// Override replaces the settings by the flags that are given.
func (k KeepFlags) Override(r *Retention) error {
	if len(k) == 0 {
		return nil
	}
	for level, setting := range map[archive.Level]*keepList{archive.Raw: &r.Raw, archive.Hourly: &r.Hourly, archive.Daily: &r.Daily} {
		if list, given := k[level]; given {
			*setting = list
		}
	}
	var found Faults
	r.check(&found)
	for i, f := range found {
		level := archive.Level(f.key[strings.LastIndex(f.key, ".")+1:])
		if _, given := k[level]; given {
			found[i].from = "--" + keepName(level)
		}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

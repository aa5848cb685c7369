package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Retention has a setting for each level: how long its rows are kept.
type Retention struct {
	Raw    keepList `mapstructure:"raw"`
	Hourly keepList `mapstructure:"hourly"`
	Daily  keepList `mapstructure:"daily"`
}

// lists returns the settings by level.
func (r Retention) lists() map[archive.Level]keepList {
	return map[archive.Level]keepList{archive.Raw: r.Raw, archive.Hourly: r.Hourly, archive.Daily: r.Daily}
}

// keepList is how long rows are kept: a time for all kinds, and other times for some
// of them. Its text is 90d,container=30d.
type keepList []keep

type keep struct {
	kind schema.Kind   // zero for all other kinds
	long time.Duration // zero for ever
}

// decodeKeep reads a list, or its text.
func decodeKeep(value any) (keepList, error) {
	var items []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			items = append(items, fmt.Sprint(item))
		}
	default:
		items = splitList(fmt.Sprint(v))
	}
	var list keepList
	for _, item := range items {
		kind, text, named := strings.Cut(item, "=")
		if !named {
			kind, text = "", item
		}
		var k keep
		var err error
		if named {
			if k.kind, err = schema.ParseKind(strings.TrimSpace(kind)); err != nil {
				return nil, err
			}
		}
		if k.long, err = flags.ParseLength(strings.TrimSpace(text)); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(other keep) bool { return other.kind == k.kind }) {
			return nil, fmt.Errorf("%q: the same kind has another time", item)
		}
		list = append(list, k)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("is empty: write 0s to keep all for ever")
	}
	return list, nil
}

// For returns how long the kind is kept, zero for ever.
func (l keepList) For(kind schema.Kind) time.Duration {
	var long time.Duration
	for _, k := range l {
		switch k.kind {
		case kind:
			return k.long
		case 0:
			long = k.long
		}
	}
	return long
}

// check adds a fault for each time that is too short: by itself, or because a finer
// level keeps its rows longer.
func (r Retention) check(fs *Faults) {
	lists := r.lists()
	for i, level := range archive.Levels() {
		key := "archive.retention." + string(level)
		least := archive.LeastRetention(level)
		for _, k := range lists[level] {
			fs.check(k.long == 0 || k.long >= least, key, "%s is too short: at least %s, or 0s for ever", show.Duration(k.long), show.Duration(least))
		}
		if i == 0 {
			continue
		}
		finer := archive.Levels()[i-1]
		for _, kind := range schema.Kinds() {
			long, less := lists[level].For(kind), lists[finer].For(kind)
			if long > 0 && (less == 0 || less > long) {
				kept := "everything"
				if less > 0 {
					kept = show.Duration(less)
				}
				fs.check(false, key, "keeps %v of %v, and archive.retention.%s %s: it must keep as much at least", show.Duration(long), kind, finer, kept)
				break
			}
		}
	}
}

// ByKind returns the settings as the archive has them.
func (r Retention) ByKind() archive.Retention {
	all := make(archive.Retention)
	for level, list := range r.lists() {
		all[level] = make(map[schema.Kind]time.Duration)
		for _, kind := range schema.Kinds() {
			if long := list.For(kind); long > 0 {
				all[level][kind] = long
			}
		}
	}
	return all
}

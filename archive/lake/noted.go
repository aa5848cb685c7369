package lake

import (
	"fmt"
	"os"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// missingDay is the error for a lake without files of a day that an archive noted.
type missingDay struct{ archive.LakeDay }

func (e missingDay) Error() string {
	return fmt.Sprintf("no files of cluster %q, table %s, day %s, whose raw samples pruning wrote there", e.Cluster, e.Table, e.Day.Time().Format(time.DateOnly))
}

// Check returns an error if the lake cannot be read, or lacks the files of a day of the
// spans. Then it names the first such day. It does not open the files.
func (l *Lake) Check(noted []archive.LakeSpan) error {
	partitions, err := l.partitions(func(partition) bool { return true })
	if err != nil {
		return l.explainRead(err)
	}
	has := make(map[archive.LakeDay]bool)
	for _, p := range partitions {
		entries, err := os.ReadDir(p.path(l.dir))
		if err != nil {
			return l.explainRead(err)
		}
		has[p.of()] = slices.ContainsFunc(entries, func(e os.DirEntry) bool {
			_, ok := parsePart(e.Name())
			return ok
		})
	}
	return l.explainRead(checkDays(noted, schema.Window{}, has))
}

// of returns the partition's day.
func (p partition) of() archive.LakeDay {
	return archive.LakeDay{Table: p.table.name, Cluster: p.cluster, Day: p.day}
}

// checkDays returns the error for the first day of the spans in the window that is not in
// has, nil if there is none.
func checkDays(noted []archive.LakeSpan, w schema.Window, has map[archive.LakeDay]bool) error {
	var first *missingDay
	for _, s := range noted {
		day := archive.LakeDay{Table: s.Table, Cluster: s.Cluster, Day: archive.Daily.Begin(max(s.From, w.From))}
		for ; day.Day < s.Until && (w.To == 0 || day.Day <= w.To); day.Day = day.Day.Add(archive.Daily.Length()) {
			if !has[day] {
				if first == nil || day.Day < first.Day {
					first = &missingDay{day}
				}
				break
			}
		}
	}
	if first == nil {
		return nil
	}
	return *first
}

// noted returns the spans of the table that the selection reads.
func (u *union) noted() (spans []archive.LakeSpan) {
	for _, s := range u.Noted {
		if s.Table == u.table.name && u.matchesCluster(s.Cluster) && (len(u.selection.Kinds) == 0 || slices.Contains(u.selection.Kinds, s.Kind)) {
			spans = append(spans, s)
		}
	}
	return spans
}

func (u *union) matchesCluster(cluster string) bool {
	return len(u.selection.Clusters) == 0 || schema.MatchesAny(u.selection.Clusters, cluster)
}

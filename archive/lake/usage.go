package lake

import (
	"os"

	"heapstash/archive"
)

// Usage returns the size of each table and cluster, by table and cluster. It does not open
// the files.
func (l *Lake) Usage() (all []archive.LakeUsage, err error) {
	partitions, err := l.partitions(func(partition) bool { return true })
	if err != nil {
		return nil, l.explainRead(err)
	}
	for _, p := range partitions {
		entries, err := os.ReadDir(p.path(l.dir))
		if err != nil {
			return nil, l.explainRead(err)
		}
		if n := len(all); n == 0 || all[n-1].Table != p.table.name || all[n-1].Cluster != p.cluster {
			all = append(all, archive.LakeUsage{Table: p.table.name, Cluster: p.cluster, Oldest: p.day})
		}
		u := &all[len(all)-1]
		u.Days++
		u.Newest = p.day
		for _, entry := range entries {
			if _, ok := parsePart(entry.Name()); !ok {
				continue
			}
			info, err := entry.Info()
			if err != nil {
				return nil, l.explainRead(err)
			}
			u.Files++
			u.Bytes += info.Size()
		}
	}
	return all, nil
}

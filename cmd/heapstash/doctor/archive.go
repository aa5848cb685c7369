package doctor

import (
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/archive/lake"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Archive says whether passes can write the archive, whether its file system is fit for
// it, how long its disk lasts, and whether passes come, at most pause apart. Passes
// store nothing if less than minFree bytes are free. now is the local time.
func Archive(x engine.Examination, minFree int64, pause time.Duration, now time.Time) Report {
	report := Report{contents(x), directory(x)}
	if x.Free >= 0 {
		report = append(report, fileSystem(x.FileSystem), space(x, minFree))
	}
	if p := x.LastPass; p != nil {
		report = append(report, lastPass(*p, x.Locked, pause, now), conflicts(*p))
	}
	if x.Unknown > 0 {
		report = append(report, warning("namesakes", "allow Heapster to list namespaces (RBAC: list and watch), so that metric-export has namespace_id; or set collect.enrich: true",
			"%s with a name that other namespaces have too: metric-export does not say in which namespace they are, so their uid, labels and images are not known, "+
				"and their containers and file systems are asked for by name", plural(x.Unknown, "pod")))
	}
	return report
}

// contents describes the file.
func contents(x engine.Examination) Finding {
	const name = "archive"
	switch {
	case x.Err != nil:
		return fault(name, schema.HintOf(x.Err), "%v", x.Err)
	case !x.Exists:
		return ok(name, "%s is not there yet: the first pass makes it", x.Path)
	case x.Version < x.Newest:
		return ok(name, "%s has format %d: the next pass makes that %d", x.Path, x.Version, x.Newest)
	default:
		return ok(name, "%s has format %d and %s", x.Path, x.Version, schema.Size(x.Bytes))
	}
}

// directory says whether the archive can be written.
func directory(x engine.Examination) Finding {
	const name = "directory"
	switch {
	case x.Unwritable != nil:
		return fault(name, schema.HintOf(x.Unwritable)+"; passes need it as the user who runs this", "%v", x.Unwritable)
	case x.Locked:
		return ok(name, "%s can be written to; another heapstash writes the archive at this moment", x.Directory)
	default:
		return ok(name, "%s can be written to", x.Directory)
	}
}

// fileSystem says whether the archive is safe on its file system.
func fileSystem(fs engine.FileSystem) Finding {
	const name = "file-system"
	const local = "keep the archive on a local disk or a block volume (in Kubernetes one that is ReadWriteOnce), and copy it elsewhere from there"
	switch fs.Safety {
	case engine.SafetyLocal:
		return ok(name, "%s", fs.Name)
	case engine.SafetyRemote:
		return warning(name, local, "%s is a network file system: the archive has a rollback journal there, so that passes and readers wait for one another, "+
			"and two machines may damage it unless locks hold between them (for NFS, without the mount options nolock and local_lock)", fs.Name)
	case engine.SafetyUser:
		return warning(name, local, "a FUSE file system, which may reach over the network: the archive has a rollback journal there, so that passes and "+
			"readers wait for one another, and it is as safe as the locks of the program behind it")
	case engine.SafetyFleeting:
		return warning(name, "put the archive on a disk, or on a volume that is mounted into the container",
			"%s: what lies on it is gone when the machine or the container ends", fs.Name)
	default:
		return ok(name, "of a kind that heapstash does not know (%s); it should be local, and the archive has a rollback journal there in case it is not", fs.Name)
	}
}

// Days for which there should be space, and below which there is a fault.
const (
	fewDays    = 30
	veryFew    = 3
	leastSpace = 64 << 20 // for a write-ahead log and a compaction
)

// space compares the free space with the archive's growth.
func space(x engine.Examination, minFree int64) Finding {
	const name = "space"
	const fix = "make room, or move the archive to a larger disk: a pass that finds it full stores nothing"
	switch {
	case x.Free < minFree:
		return fault(name, fix+"; archive.min_free sets how much, archive.retention how long samples are kept",
			"%s are free, and passes store nothing with less than %s", schema.Size(x.Free), schema.Size(minFree))
	case x.Free < leastSpace:
		return fault(name, fix, "%s are free", schema.Size(x.Free))
	case x.Err != nil:
		return ok(name, "%s are free", schema.Size(x.Free))
	case x.Growth == nil:
		return ok(name, "%s are free; how much the archive takes a day is known after six hours", schema.Size(x.Free))
	case x.Growth.Pruned:
		return ok(name, "%s are free; the archive takes at most %s a day, and old raw samples are pruned", schema.Size(x.Free), schema.Size(x.Growth.BytesPerDay))
	}
	perDay := x.Growth.BytesPerDay
	days := int((x.Free - minFree) / max(perDay, 1))
	message := fmt.Sprintf("%s are free, and the archive takes about %s a day: enough for %s", schema.Size(x.Free), schema.Size(perDay), plural(days, "day"))
	switch {
	case days < veryFew:
		return fault(name, fix, "%s", message)
	case days < fewDays:
		return warning(name, fix, "%s", message)
	default:
		return ok(name, "%s", message)
	}
}

// Lake says whether the lake can be read, and has the raw samples that the archive noted.
func Lake(l *lake.Lake, noted []archive.LakeSpan) Finding {
	const name = "lake"
	if err := l.Check(noted); err != nil {
		return fault(name, schema.HintOf(err), "%v", err)
	}
	if len(noted) == 0 {
		return ok(name, "%s can be read; the archive wrote no raw samples there yet", l.Dir())
	}
	return ok(name, "%s has a file of each day whose raw samples pruning wrote there", l.Dir())
}

// lastPass says whether passes come, and how the last one went.
func lastPass(p archive.PassStatus, locked bool, pause time.Duration, now time.Time) Finding {
	const name = "last-pass"
	ended := p.Started.Time().Add(time.Duration(p.DurationMS) * time.Millisecond)
	ago := show.Duration(max(now.Sub(ended), 0))
	switch {
	case p.Outcome == archive.OutcomeRunning && locked:
		return ok(name, "pass %d is under way since %v", p.ID, p.Started)
	case now.Sub(ended) > max(3*pause, 5*time.Minute):
		return fault(name, "see that `heapstash run` or the timer, cron job or CronJob behind `heapstash collect` is running, and at its log",
			"pass %d ended %s ago, and none came after it", p.ID, ago)
	case p.Outcome == archive.OutcomeFailed:
		return fault(name, "the other findings may say why; try `heapstash collect`", "pass %d failed %s ago: %s", p.ID, ago, p.Error)
	case p.Outcome == archive.OutcomePartial:
		return warning(name, "`heapstash status --gaps` lists them", "pass %d has holes; it ended %s ago", p.ID, ago)
	case p.Outcome == archive.OutcomeComplete:
		return ok(name, "pass %d was complete; it ended %s ago", p.ID, ago)
	default:
		return warning(name, "was it killed, perhaps because there was too little memory?", "the process of pass %d, which began at %v, died", p.ID, p.Started)
	}
}

// conflicts says whether Heapster gives different values for one sample.
func conflicts(p archive.PassStatus) Finding {
	const name = "conflicts"
	if p.Conflicts == 0 {
		return ok(name, "pass %d met no sample with another value than the archive has", p.ID)
	}
	return warning(name, "is Heapster running with more than one replica, or behind one service with another? scale it to one;\n"+
		`the samples: heapstash sql "SELECT * FROM conflicts ORDER BY ts DESC LIMIT 20"`,
		"pass %d met %s with another value than the archive has", p.ID, plural(p.Conflicts, "sample"))
}

// Build says which heapstash this is.
func Build(version, platform string) Finding {
	return ok("build", "heapstash %s (%s) with SQLite %s", version, platform, engine.SQLiteVersion())
}

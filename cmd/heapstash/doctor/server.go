package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Server says whether passes can write an archive in ClickHouse, how its servers are, and
// whether passes come, at most pause apart. now is the local time.
func Server(x engine.ServerExamination, pause time.Duration, now time.Time) Report {
	report := Report{serverArchive(x)}
	if x.Version == "" {
		return report
	}
	report = append(report, rights(x), addresses(x), servers(x), replicas(x), serverClocks(x))
	if some := serverSpace(x); some.Name != "" {
		report = append(report, some)
	}
	if p := x.LastPass; p != nil {
		report = append(report, lastPass(*p, true, pause, now), conflicts(*p))
	}
	return report
}

// serverArchive says what is in the database.
func serverArchive(x engine.ServerExamination) Finding {
	const name = "archive"
	switch {
	case x.Err != nil:
		return fault(name, schema.HintOf(x.Err), "%v", x.Err)
	case x.Prepared:
		return ok(name, "ClickHouse %s answers at %s; the tables are there, and no pass has written to them yet", x.Version, x.Address)
	case !x.Exists:
		return ok(name, "ClickHouse %s answers at %s; the archive is not there yet: the first pass makes it", x.Version, x.Address)
	default:
		return ok(name, "%s has %s, in ClickHouse %s", x.Address, schema.Size(x.Bytes), x.Version)
	}
}

// rights says whether the user may do what passes do.
func rights(x engine.ServerExamination) Finding {
	const name = "rights"
	lacking := strings.Join(x.Lacking, ", ")
	switch {
	case x.ReadOnly:
		return fault(name, "give the user a profile with readonly = 0", "the user may not write: the user's profile has readonly")
	case slices.Contains(x.Lacking, "SELECT") || slices.Contains(x.Lacking, "INSERT") || len(x.Lacking) > 0 && !x.Exists && !x.Prepared:
		return fault(name, fixRights, "the user lacks the rights %s", lacking)
	case len(x.Lacking) > 0:
		return warning(name, fixRights, "the user lacks the rights %s: passes can write, but not delete what is older than archive.retention, and a new version of heapstash cannot make its views", lacking)
	case x.Untold:
		return ok(name, "the server does not tell what the user may do; servers from 24.12 on do")
	default:
		return ok(name, "nothing forbids the user to read and write")
	}
}

const fixRights = "GRANT SELECT, INSERT, CREATE, ALTER, DROP on the database to the user, and CLUSTER on *.* for ON CLUSTER; on a server without GRANT, set allow_ddl to 1 in the user's profile"

// addresses says whether the hosts of the address answer, and have one archive.
func addresses(x engine.ServerExamination) Finding {
	const name = "addresses"
	var silent []string
	for _, s := range x.Silent {
		silent = append(silent, fmt.Sprintf("%s (%v)", s.Host, s.Err))
	}
	switch {
	case len(x.Others) > 0:
		return fault(name, "name the servers of one cluster, with ?cluster=NAME; or one server", "passes use the first host that answers, and %s has another archive", strings.Join(x.Others, ", "))
	case len(silent) > 0:
		return warning(name, "start it, or remove it from archive.url; passes use the next host", "a host of the address does not answer: %s", strings.Join(silent, "; "))
	default:
		return ok(name, "every host of the address answers")
	}
}

// servers says which servers answer.
func servers(x engine.ServerExamination) Finding {
	const name = "servers"
	var silent []string
	shards := make(map[int]bool)
	for _, s := range x.Servers {
		shards[s.Shard] = true
		if s.Err != nil {
			silent = append(silent, fmt.Sprintf("%s (%v)", serverName(s), s.Err))
		}
	}
	var dead []string
	for _, shard := range x.SilentShards() {
		dead = append(dead, fmt.Sprint(shard))
	}
	const start = "start them; passes and readers go on by themselves"
	switch {
	case len(dead) > 0:
		return fault(name, start, "no server of shard %s answers, so nothing can be read or written: %s", strings.Join(dead, ", "), strings.Join(silent, "; "))
	case len(silent) > 0:
		return warning(name, start, "%d of %s do not answer, and another replica of their shard does: %s", len(silent), plural(len(x.Servers), "server"), strings.Join(silent, "; "))
	case len(x.Servers) == 1:
		return ok(name, "one server, which answers: when it is down, passes fail")
	default:
		return ok(name, "%s of %s answer", plural(len(x.Servers), "server"), plural(len(shards), "shard"))
	}
}

// serverName names a server of a cluster.
func serverName(s engine.ServerState) string {
	if s.Shard == 0 {
		return s.Host
	}
	return fmt.Sprintf("%s, replica %d of shard %d", s.Host, s.Number, s.Shard)
}

// farBehind is how far a replica may be behind: readers do not use one that is further.
const farBehind = 2 * time.Second

// replicas says whether the replicas are up to date.
func replicas(x engine.ServerExamination) Finding {
	const name = "replicas"
	var behind, readOnly []string
	for _, s := range x.Servers {
		if s.ReadOnly {
			readOnly = append(readOnly, serverName(s))
		}
		if s.Delay > farBehind {
			behind = append(behind, fmt.Sprintf("%s by %s", serverName(s), show.Duration(s.Delay)))
		}
	}
	switch {
	case len(readOnly) > 0:
		return fault(name, "start ZooKeeper or ClickHouse Keeper, and see the server's log", "nothing can be written on %s: it has lost ZooKeeper or ClickHouse Keeper", strings.Join(readOnly, "; "))
	case len(behind) > 0:
		return warning(name, "see system.replicas and system.replication_queue there; readers use the other replicas of the shard, and fail without one", "behind are %s", strings.Join(behind, "; "))
	default:
		return ok(name, "no replica is behind")
	}
}

// serverClocks compares the servers' clocks with the local one.
func serverClocks(x engine.ServerExamination) Finding {
	const name = "server-clock"
	for _, s := range x.Servers {
		if s.Ahead.Abs() > farApart {
			way := "ahead of"
			if s.Ahead < 0 {
				way = "behind"
			}
			return warning(name, "let NTP set the clocks; the archive has Heapster's and the local one's times, but replication and TTL use the server's",
				"the clock of %s is %s %s the local one", serverName(s), show.Duration(s.Ahead.Abs()), way)
		}
	}
	return ok(name, "the servers' clocks and the local one agree")
}

// serverSpace warns of a full disk. It has no name if the servers do not tell.
func serverSpace(x engine.ServerExamination) Finding {
	const name = "space"
	const few = 10 << 30
	least, at := int64(-1), ""
	for _, s := range x.Servers {
		if s.Free >= 0 && (least < 0 || s.Free < least) {
			least, at = s.Free, serverName(s)
		}
	}
	switch {
	case least < 0:
		return Finding{}
	case least < few:
		return warning(name, "make room: ClickHouse needs as much as its largest parts to merge them; archive.retention limits how long samples are kept",
			"%s are free on %s", schema.Size(least), at)
	default:
		return ok(name, "%s are free at least, on %s", schema.Size(least), at)
	}
}

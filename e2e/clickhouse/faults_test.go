package clickhouse

import (
	"bytes"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/e2e/rig"
)

// fault is a test of TestFaults.
type fault struct {
	name string
	test func(*world)
}

// faults share one cluster. Each has a database of its own, and leaves every process
// running.
var faults = []fault{
	{"Undisturbed", undisturbed},
	{"CollectorKilled", collectorKilled},
	{"SentTwice", sentTwice},
	{"TwoCollectors", twoCollectors},
}

// serverFaults are more of them, which take minutes: servers must notice, and recover.
var serverFaults = []fault{
	{"ServerKilled", serverKilled},
	{"ShardLost", shardLost},
	{"ZooKeeperLost", zooKeeperLost},
	{"ReplicaBehind", replicaBehind},
	{"ServerSlow", serverSlow},
	{"NetworkCut", networkCut},
	{"Outage", outage},
	{"DiskFull", diskFull},
}

// disturb feeds a batch and makes a pass while something happens to it. Afterwards a
// pass over the same batch, and later ones, must make the archive right.
func (w *world) disturb(before func(insert), answered func(insert) bool) rig.Outcome {
	w.Helper()
	w.feed()
	w.oracle.Pass()
	w.tap.watch(before, answered)
	return w.run(w.collect())
}

// recovers checks the archive after a fault whose cause is gone.
func (w *world) recovers() {
	w.Helper()
	w.servers.Await(w)
	w.returns(func(e rig.Outcome) { e.Want(w, 0) })
	w.remains()
}

// returns makes passes until one has everything. One that waits for sessions of a server
// with ZooKeeper may have no time for containers, which the next pass reads.
func (w *world) returns(failed func(rig.Outcome)) {
	w.Helper()
	w.tap.watch(nil, nil)
	for deadline := time.Now().Add(3 * time.Minute); ; {
		e := w.run(w.collect())
		switch {
		case e.Code == 0:
			return
		case time.Now().After(deadline):
			w.Fatalf("passes still fail: %s", e.Stderr)
		case e.Code == 3 && strings.Contains(e.Stderr, "budget"):
			w.late = true
		default:
			failed(e)
		}
	}
}

// remains makes passes over the same batch and the next one, and checks the archive
// after each.
func (w *world) remains() {
	w.Helper()
	for range 2 {
		w.pass()
		w.holds()
		w.feed()
	}
}

// The moments of a pass: rows of the cluster, rows of pods, then their watermarks, and
// the end.
var (
	atFirstRows  = moment{"cluster_rows", 0}
	atPods       = moment{"pod_rows", 0}
	atWatermarks = moment{"watermark_rows", 1}
	atLastRows   = moment{"container_rows", 0}
)

// undisturbed: without a fault, every server has the same answer.
func undisturbed(w *world) {
	w.begin()
	w.feed()
	w.pass()
	w.holds()
	for _, m := range []moment{atFirstRows, atPods, atWatermarks, atLastRows} {
		if !slices.ContainsFunc(w.tap.seen(), func(in insert) bool { return in.moment == m }) {
			w.Errorf("a pass has no moment %v", m)
		}
	}
}

// collectorKilled: the collector is killed between rows and watermarks, and after an
// insert whose answer it does not get.
func collectorKilled(w *world) {
	w.begin()
	for _, m := range []moment{atPods, atWatermarks} {
		for _, after := range []bool{false, true} {
			w.feed()
			w.oracle.Pass()
			pass := w.collect()
			kill := func(in insert) bool {
				if in.moment == m {
					_ = pass.Process.Kill()
				}
				return in.moment != m
			}
			if after {
				w.tap.watch(nil, kill)
			} else {
				w.tap.watch(func(in insert) { kill(in) }, nil)
			}
			if e := w.run(pass); e.Code != -1 {
				w.Errorf("the pass was to be killed at %v, and exits %d\n%s", m, e.Code, e.Stderr)
			}
			w.recovers()
		}
	}
}

// sentTwice: a server executes an insert, and the collector does not get the answer, so
// that the same rows are sent again, by this pass or by the next one.
func sentTwice(w *world) {
	w.begin()
	for _, m := range []moment{atPods, atWatermarks, atLastRows} {
		w.disturb(nil, func(in insert) bool { return in.moment != m })
		w.recovers()
	}
}

// twoCollectors: two passes of one cluster are at the same moment.
func twoCollectors(w *world) {
	w.begin()
	other := startTap(w.T, "127.0.0.1", w.servers.Addresses())
	for _, m := range []moment{atFirstRows, atWatermarks} {
		w.feed()
		w.oracle.Pass()
		var met sync.WaitGroup
		met.Add(2)
		meet := func(in insert) {
			if in.moment == m {
				met.Done()
				met.Wait()
			}
		}
		w.tap.watch(meet, nil)
		other.watch(meet, nil)
		first, second := w.collect(), w.collect()
		second.Args[slices.Index(second.Args, w.url())] = w.url(other.addresses...)
		var both sync.WaitGroup
		outcomes := make([]rig.Outcome, 2)
		both.Go(func() { outcomes[0] = w.run(first) })
		both.Go(func() { outcomes[1] = w.run(second) })
		both.Wait()
		for _, e := range outcomes {
			if e.Code != 0 {
				w.Errorf("exit code %d, want 0\n%s", e.Code, e.Stderr)
			}
		}
		w.recovers()
	}
}

// serverKilled: the server that gets an insert is killed before it, or after it before
// it answers. The other replica of its shard lives.
func serverKilled(w *world) {
	w.begin()
	for i, m := range []moment{atPods, atWatermarks} {
		var killed *clickhousetest.Server
		kill := func(in insert) bool {
			if in.moment == m && killed == nil {
				killed = w.servers.Servers()[in.server]
				killed.Kill()
			}
			return true
		}
		if i == 0 {
			w.disturb(func(in insert) { kill(in) }, nil)
		} else {
			w.disturb(nil, kill)
		}
		if killed == nil {
			w.Fatalf("there was no moment %v", m)
		}
		killed.Start(w)
		w.recovers()
	}
}

// shardLost: the last replica of a shard is killed in the middle of a pass. Passes and
// questions fail, and name the shard.
func shardLost(w *world) {
	w.begin()
	shard := w.servers.Shards[1]
	for i, m := range []moment{atPods, atWatermarks} {
		shard[i].Kill()
		e := w.disturb(func(in insert) {
			if in.moment == m {
				shard[1-i].Kill()
			}
		}, nil)
		w.blames(e, shard[0], shard[1])
		w.blames(w.run(w.collect()), shard[0], shard[1])
		w.blames(w.run(w.command("export", "--format", "csv")), shard[0], shard[1])
		w.blames(w.run(w.command("status")), shard[0], shard[1])
		for _, server := range shard {
			server.Start(w)
		}
		w.recovers()
	}
}

// outage: a shard is away for longer than Heapster keeps samples. What was lost is in the
// ledger, and nothing else.
func outage(w *world) {
	w.begin()
	shard := w.servers.Shards[1]
	for _, server := range shard {
		server.Kill()
	}
	w.feed()
	w.blames(w.run(w.collect()), shard[0], shard[1])
	for range 5 {
		w.feed()
	}
	for _, server := range shard {
		server.Start(w)
	}
	w.servers.Await(w)
	w.run(w.collect()).Want(w, 3)
	w.oracle.Pass()
	w.holds()
	if len(w.lost()) == 0 {
		w.Error("nothing was lost")
	}
	w.recovers()
}

// blames fails the test unless the command failed and named a server.
func (w *world) blames(e rig.Outcome, servers ...*clickhousetest.Server) {
	w.Helper()
	for _, server := range servers {
		if e.Code == 1 && strings.Contains(e.Stderr, server.Address) {
			return
		}
	}
	w.Errorf("exit code %d, want 1 and the name of a server\n%s%s", e.Code, e.Stdout, e.Stderr)
}

// replicaBehind: a replica gets no rows from the other one of its shard. No answer
// lacks them.
func replicaBehind(w *world) {
	w.begin()
	for shard, replicas := range w.servers.Shards {
		behind := replicas[shard]
		behind.Exec(w, "SYSTEM STOP FETCHES")
		for range 2 {
			w.feed()
			w.pass()
			w.pass()
		}
		want := len(w.oracle.Samples())
		for _, server := range w.servers.Servers() {
			e := w.run(w.commandOn(w.url(server.Address), "export", "--format", "csv")).Want(w, 0)
			if got := strings.Count(e.Stdout, "\n") - 1; got != want {
				w.Errorf("by way of %s there are %d samples, want %d", server.Address, got, want)
			}
		}
		behind.Exec(w, "SYSTEM START FETCHES")
		w.recovers()
	}
}

// zooKeeperLost: ZooKeeper is killed in the middle of a pass. Without it, passes and
// questions fail and name it, because no replica knows whether it has all rows.
func zooKeeperLost(w *world) {
	w.begin()
	fails := func(e rig.Outcome) {
		w.Helper()
		if e.Code != 1 || !strings.Contains(e.Stderr, "hint: ") || !strings.Contains(e.Stderr, "ZooKeeper") {
			w.Errorf("exit code %d, want 1 and a hint about ZooKeeper\n%s%s", e.Code, e.Stdout, e.Stderr)
		}
	}
	fails(w.disturb(func(in insert) {
		if in.moment == atPods {
			w.servers.ZooKeeper.Kill()
		}
	}, nil))
	w.tap.watch(nil, nil)
	fails(w.run(w.collect()))
	fails(w.run(w.command("status")))
	fails(w.run(w.command("export", "--format", "csv")))
	w.servers.ZooKeeper.Start(w)
	// The servers need some seconds for new sessions. Passes fail until then.
	w.returns(fails)
	w.recovers()
}

// serverSlow: a server stops in the middle of a pass, with its connections open. The
// pass goes on with the other replica, in time for the next pass.
func serverSlow(w *world) {
	w.begin()
	for _, m := range []moment{atPods, atWatermarks} {
		var paused *clickhousetest.Server
		e := w.disturb(func(in insert) {
			if in.moment == m && paused == nil {
				paused = w.servers.Servers()[in.server]
				paused.Pause(w)
			}
		}, nil)
		if e.Code != 0 || e.Took > inTime {
			w.Errorf("paused at %v: exit code %d after %v, want 0 within %v\n%s", m, e.Code, e.Took, inTime, e.Stderr)
		}
		w.Logf("paused at %v: exit code %d after %v", m, e.Code, e.Took)
		paused.Resume(w)
		w.recovers()
	}
}

// inTime is how long a pass may take, so that the next one reads what Heapster keeps for
// 140 seconds.
const inTime = 100 * time.Second

// networkCut: the network between the collector and the servers is cut in the middle of
// a pass. The collector is in a network namespace with one wire to Heapster and one to
// the servers.
func networkCut(w *world) {
	rig.NeedRoot(w)
	network, err := rig.NewNetwork(2)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := network.Remove(); err != nil {
			w.Error(err)
		}
	})
	toHeapster, toServers := network.Wires[0], network.Wires[1]
	listener, err := net.Listen("tcp", net.JoinHostPort(toHeapster.Host, "0"))
	if err != nil {
		w.Fatal(err)
	}
	heapster := httptest.NewUnstartedServer(w.sim)
	heapster.Listener.Close()
	heapster.Listener = listener
	heapster.Start()
	w.Cleanup(heapster.Close)
	w.sim.URL = heapster.URL
	w.tap = startTap(w.T, toServers.Host, w.servers.Addresses())
	w.inside = network.Command
	w.begin()
	for i, m := range []moment{atPods, atWatermarks} {
		cut := func(in insert) bool {
			if in.moment == m {
				if err := toServers.Cut(); err != nil {
					w.Error(err)
				}
			}
			return true
		}
		before, answered := func(in insert) { cut(in) }, cut
		if i == 0 {
			answered = nil
		} else {
			before = nil
		}
		e := w.disturb(before, answered)
		if e.Code != 1 || e.Took > inTime || !strings.Contains(e.Stderr, toServers.Host) || !strings.Contains(e.Stderr, "hint: ") {
			w.Errorf("cut at %v: exit code %d after %v, want 1 within %v, and a hint\n%s", m, e.Code, e.Took, inTime, e.Stderr)
		}
		w.Logf("cut at %v: exit code %d after %v\n%s", m, e.Code, e.Took, e.Stderr)
		if err := toServers.Join(); err != nil {
			w.Fatal(err)
		}
		w.recovers()
	}
}

// diskFull: the disk of a shard is full.
func diskFull(w *world) {
	rig.NeedRoot(w)
	w.begin()
	ballast := w.fill(disk)
	w.feed()
	w.oracle.Pass()
	e := w.run(w.collect())
	if e.Code != 1 || !strings.Contains(e.Stderr, "space") {
		w.Errorf("exit code %d, want 1 and a hint\n%s", e.Code, e.Stderr)
	}
	if err := os.Remove(ballast); err != nil {
		w.Fatal(err)
	}
	w.recovers()
}

// fill fills a file system.
func (w *world) fill(disk string) (ballast string) {
	w.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(disk, &stat); err != nil {
		w.Fatal(err)
	}
	ballast = filepath.Join(disk, "ballast")
	zeros := bytes.Repeat([]byte{0}, int(stat.Bavail)*int(stat.Bsize))
	if err := os.WriteFile(ballast, zeros, 0o600); err != nil && !errors.Is(err, unix.ENOSPC) {
		w.Fatal(err)
	}
	return ballast
}

// Package clickhouse tests archives in a ClickHouse cluster of two shards with two
// replicas each, and in a current engine. It kills and pauses processes, fills disks and
// cuts networks. Each test of a fault has a stand-in Heapster and moves its clock.
package clickhouse

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/e2e/rig"
)

// heapstash is the program under test; TestMain builds it.
var heapstash string

// long is for make torture.
var long = flag.Bool("long", false, "also test faults of servers")

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	scratch, err := rig.Scratch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	rig.OnInterrupt()
	if heapstash, err = rig.BuildHeapstash(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// TestFaults starts one cluster for all faults.
func TestFaults(t *testing.T) {
	o := clickhousetest.Options{}
	if *long && os.Geteuid() == 0 {
		mountDisk(t)
		o.Data = func(shard, replica int) string {
			if shard == 0 {
				return t.TempDir()
			}
			return filepath.Join(disk, strconv.Itoa(replica))
		}
	}
	servers := clickhousetest.StartCluster(t, o)
	all := faults
	if *long {
		all = slices.Concat(faults, serverFaults)
	}
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) { f.test(newWorld(t, servers)) })
	}
}

// disk is where the second shard's replicas have their tables: a small file system.
var disk string

func mountDisk(t *testing.T) {
	t.Helper()
	disk = t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=256m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err, unix.Unmount(disk, unix.MNT_DETACH))
		}
	})
}

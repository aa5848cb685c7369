// Package clickhouse tests archives in a ClickHouse cluster of two shards with two
// replicas each, and in a current engine. It kills and pauses processes. Each test of a fault has a stand-in Heapster and moves its clock.
package clickhouse

import (
	"fmt"
	"os"
	"testing"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/e2e/rig"
)

// heapstash is the program under test; TestMain builds it.
var heapstash string

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
	servers := clickhousetest.StartCluster(t, clickhousetest.Options{})
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) { f.test(newWorld(t, servers)) })
	}
}

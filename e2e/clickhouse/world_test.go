package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// noon is the begin of a world: long ago, so that nothing depends on the real clock.
var noon = time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC)

// world is a Heapster with its cluster, the oracle, and an archive in a ClickHouse
// cluster behind a tap.
type world struct {
	*testing.T
	servers  *clickhousetest.Cluster
	database string
	tap      *tap
	rand     *rand.Rand
	sim      *rig.StandIn
	oracle   *oracle.Oracle
	at       time.Time // of the last batch
}

// newWorld begins a world without a batch. A batch has a few hundred samples, of every
// kind.
func newWorld(t *testing.T, servers *clickhousetest.Cluster) *world {
	const seed = 1
	return &world{
		T:        t,
		servers:  servers,
		database: servers.Database(t),
		tap:      startTap(t, "127.0.0.1", servers.Addresses()),
		rand:     rand.New(rand.NewPCG(seed, 0)),
		// Without disks: their values depend on the time of a pass, because
		// metric-export shows floats of the newest batch only.
		sim: rig.StartStandIn(t, heapsim.Options{Seed: seed},
			heapsim.ClusterOptions{Seed: seed, Nodes: 1, Namespaces: 2, Pods: 4, Containers: 1, NoDisks: true}),
		oracle: oracle.New(),
		at:     noon,
	}
}

// feed gives Heapster a batch, a minute after the one before. A pod is replaced in some
// of them.
func (w *world) feed() {
	w.at = w.at.Add(time.Minute)
	if w.rand.Float64() < 0.3 {
		w.sim.Cluster.Churn(1)
	}
	w.oracle.Feed(w.sim.Scrape(w.at), w.at, w.at)
}

// url is the archive's, by way of the tap.
func (w *world) url(addresses ...string) string {
	if len(addresses) == 0 {
		addresses = w.tap.addresses
	}
	return url(w.servers.Name, w.database, addresses...)
}

// url is the URL of an archive on servers, which are a cluster unless its name is empty.
func url(cluster, database string, addresses ...string) string {
	u := fmt.Sprintf("clickhouse://default@%s/%s", strings.Join(addresses, ","), database)
	if cluster != "" {
		u += "?cluster=" + cluster
	}
	return u
}

// command is a command of heapstash on the archive, without the settings of the machine.
func (w *world) command(arguments ...string) *exec.Cmd { return w.commandOn(w.url(), arguments...) }

// commandOn is a command on an archive with that URL.
func (w *world) commandOn(url string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(heapstash, append(arguments, "--archive", url)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	return cmd
}

// collect is the command of a pass.
func (w *world) collect() *exec.Cmd {
	return w.command("collect", "--heapster-url", w.sim.URL, "--log-level", "error")
}

// run runs a command to its end.
func (w *world) run(cmd *exec.Cmd) rig.Outcome { w.Helper(); return rig.RunUntil(w, cmd, time.Minute) }

// pass makes an undisturbed pass.
func (w *world) pass() {
	w.Helper()
	w.tap.watch(nil, nil)
	w.run(w.collect()).Want(w, 0)
	w.oracle.Pass()
}

// begin makes an archive with two batches, and checks it.
func (w *world) begin() {
	w.Helper()
	for range 2 {
		w.feed()
		w.pass()
	}
	w.holds()
}

// holds fails the test unless the archive has exactly the oracle's samples, once each:
// by the views, and after the servers have merged all rows.
func (w *world) holds() {
	w.Helper()
	w.servers.Sync(w, w.database)
	for _, server := range w.servers.Servers() {
		if err := oracle.Compare(w.samples(server), w.oracle.Samples()); err != nil {
			w.Fatalf("%s: %v", server.Address, err)
		}
	}
}

// samples returns the rows of the view samples, spelt as the oracle spells them.
func (w *world) samples(server *clickhousetest.Server) (lines []string) {
	w.Helper()
	rows, err := server.Connect(w).Query(context.Background(), "SELECT "+sampleColumns+" FROM "+w.database+".samples")
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var names [8]*string
		var ts int64
		var integer *int64
		var float *float64
		if err := rows.Scan(&names[0], &names[1], &names[2], &names[3], &names[4], &names[5], &names[6], &names[7], &ts, &integer, &float); err != nil {
			w.Fatal(err)
		}
		var line []string
		for _, name := range names {
			if name == nil || *name == "" {
				line = append(line, "NULL")
				continue
			}
			line = append(line, *name)
		}
		line = append(line, fmt.Sprint(ts), time.Unix(ts, 0).UTC().Format(time.RFC3339))
		if integer != nil {
			line = append(line, fmt.Sprint(*integer))
		} else {
			line = append(line, oracle.Float(*float))
		}
		lines = append(lines, strings.Join(line, "\t"))
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return lines
}

// sampleColumns are the names, the time and the value of the view samples. Of the last
// two, one is NULL.
const sampleColumns = "cluster, kind, namespace, pod, container, node, labels, metric, ts, integer, float"

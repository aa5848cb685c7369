package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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
	at       time.Time                                           // of the last batch
	fed      []time.Time                                         // of all batches
	late     bool                                                // a pass had no time for containers: a hole of which nothing is lost
	inside   func(program string, arguments ...string) *exec.Cmd // where heapstash runs
	conns    map[*clickhousetest.Server]driver.Conn
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
		inside: exec.Command,
		conns:  make(map[*clickhousetest.Server]driver.Conn),
	}
}

// feed gives Heapster a batch, a minute after the one before. A pod is replaced in some
// of them.
func (w *world) feed() {
	w.at = w.at.Add(time.Minute)
	if w.rand.Float64() < 0.3 {
		w.sim.Cluster.Churn(1)
	}
	w.fed = append(w.fed, w.at)
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
	cmd := w.inside(heapstash, append(arguments, "--archive", url)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	return cmd
}

// collect is the command of a pass.
func (w *world) collect() *exec.Cmd {
	return w.command("collect", "--heapster-url", w.sim.URL, "--log-level", "error")
}

// run runs a command to its end.
func (w *world) run(cmd *exec.Cmd) rig.Outcome {
	w.Helper()
	return rig.RunUntil(w, cmd, 2*time.Minute)
}

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

// holds fails the test unless the archive has exactly the oracle's samples, once each,
// by way of every server; and exactly the lost batches in its ledger.
func (w *world) holds() {
	w.Helper()
	w.servers.Sync(w, w.database)
	for _, server := range w.servers.Servers() {
		if err := oracle.Compare(w.samples(server), w.oracle.Samples()); err != nil {
			w.Fatalf("%s: %v", server.Address, err)
		}
	}
	lost := w.lost()
	for _, server := range w.servers.Servers() {
		w.once(server)
		holes := w.holes(server)
		for _, at := range w.fed {
			in := slices.ContainsFunc(holes, func(h hole) bool { return h.from <= at.Unix() && at.Unix() <= h.to })
			if in != slices.Contains(lost, at) {
				w.Fatalf("%s: the batch of %v is in a hole: %t, want %t\n%v", server.Address, at, in, !in, holes)
			}
		}
		if len(lost) == 0 && len(holes) > 0 || slices.ContainsFunc(holes, func(h hole) bool { return h.to == 0 }) {
			w.Fatalf("%s: %d batches were lost, and there are the holes %v", server.Address, len(lost), holes)
		}
	}
}

// lost returns the batches that no pass could read: Heapster dropped their samples, but
// for two metrics that it keeps longer.
func (w *world) lost() (lost []time.Time) {
	read := make(map[string]bool)
	for _, sample := range w.oracle.Samples() {
		if columns := strings.Split(sample, "\t"); columns[7] == "cpu/usage" {
			read[columns[8]] = true
		}
	}
	for _, at := range w.fed {
		if !read[fmt.Sprint(at.Unix())] {
			lost = append(lost, at)
		}
	}
	return lost
}

// hole is a hole of the ledger, except permanent limitations. Without a time both are 0.
type hole struct {
	from, to      int64
	cause, detail string
}

func (w *world) holes(server *clickhousetest.Server) (all []hole) {
	w.Helper()
	w.each(server, "SELECT toInt64(ifNull(from_ts, 0)), toInt64(ifNull(to_ts, 0)), cause, detail FROM "+w.database+".holes WHERE lasting = 0", func(scan func(...any) error) error {
		var h hole
		err := scan(&h.from, &h.to, &h.cause, &h.detail)
		if !w.late || h.cause != "budget" || h.to != 0 {
			all = append(all, h)
		}
		return err
	})
	return all
}

// once fails the test if FINAL leaves several versions of a row of samples.
func (w *world) once(server *clickhousetest.Server) {
	w.Helper()
	for _, table := range []string{"cluster", "node", "namespace", "pod", "container", "system_container", "narrow"} {
		key := map[string]string{
			"cluster": "", "node": "node, ", "namespace": "namespace, ", "pod": "namespace, pod, ", "container": "namespace, pod, container, ",
			"system_container": "node, container, ", "narrow": "metric, kind, namespace, pod, container, node, labels, ",
		}[table]
		w.each(server, fmt.Sprintf("SELECT toInt64(count()), toInt64(uniqExact(cluster, %sts)) FROM %s.%s_rows FINAL", key, w.database, table), func(scan func(...any) error) error {
			var rows, keys int64
			err := scan(&rows, &keys)
			if rows != keys {
				w.Errorf("%s: %s has %d rows of %d keys", server.Address, table, rows, keys)
			}
			return err
		})
	}
}

// each calls row for each row of a statement's result.
func (w *world) each(server *clickhousetest.Server, statement string, row func(scan func(...any) error) error) {
	w.Helper()
	if w.conns[server] == nil {
		w.conns[server] = server.Connect(w)
	}
	rows, err := w.conns[server].Query(context.Background(), statement)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			w.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
}

// samples returns the rows of the view samples, spelt as the oracle spells them.
func (w *world) samples(server *clickhousetest.Server) (lines []string) {
	w.Helper()
	w.each(server, "SELECT "+sampleColumns+" FROM "+w.database+".samples", func(scan func(...any) error) error {
		var names [8]*string
		var ts int64
		var integer *int64
		var float *float64
		if err := scan(&names[0], &names[1], &names[2], &names[3], &names[4], &names[5], &names[6], &names[7], &ts, &integer, &float); err != nil {
			return err
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
		return nil
	})
	return lines
}

// sampleColumns are the names, the time and the value of the view samples. Of the last
// two, one is NULL.
const sampleColumns = "cluster, kind, namespace, pod, container, node, labels, metric, ts, integer, float"

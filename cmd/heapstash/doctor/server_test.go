package doctor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/read"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
)

// healthyServers is an archive on a cluster of two shards with two replicas.
func healthyServers() engine.ServerExamination {
	x := engine.ServerExamination{
		Address: "clickhouse://ch1:9000/a?cluster=c", Exists: true, Version: "26.9.1", Bytes: 10 * gb,
		LastPass: &archive.PassStatus{ID: 7, Started: now.Add(-30 * time.Second), DurationMS: 2000, Outcome: archive.OutcomeComplete},
	}
	for shard := range 2 {
		for replica := range 2 {
			x.Servers = append(x.Servers, engine.ServerState{Shard: shard + 1, Number: replica + 1, Host: "ch" + string(rune('1'+2*shard+replica)) + ":9000", Version: "26.9.1", Free: 500 * gb})
		}
	}
	return x
}

// wanted is a finding that a test wants.
type wanted struct {
	finding      string
	level        Level
	message, fix string
}

// in checks that the finding is in the report, and no other fault or warning.
func (w wanted) in(t *testing.T, report Report) {
	t.Helper()
	i := slices.IndexFunc(report, func(f Finding) bool { return f.Name == w.finding })
	if i < 0 {
		t.Fatalf("no finding %s in %+v", w.finding, report)
	}
	if f := report[i]; f.Level != w.level || !strings.Contains(f.Message, w.message) || !strings.Contains(f.Fix, w.fix) || (f.Level == OK) != (f.Fix == "") {
		t.Errorf("%s, %s (%s); want %s, %s (%s)", f.Level, f.Message, f.Fix, w.level, w.message, w.fix)
	}
	for _, f := range report {
		if f.Level != OK && f.Name != w.finding {
			t.Errorf("also found: %+v", f)
		}
	}
}

func TestServer(t *testing.T) {
	silent := errors.New("connection refused")
	for name, test := range map[string]struct {
		change func(*engine.ServerExamination)
		wanted
	}{
		"archive":         {func(*engine.ServerExamination) {}, wanted{"archive", OK, "has 10 GB, in ClickHouse 26.9.1", ""}},
		"none yet":        {func(x *engine.ServerExamination) { x.Exists, x.LastPass = false, nil }, wanted{"archive", OK, "the first pass makes it", ""}},
		"all rights":      {func(*engine.ServerExamination) {}, wanted{"rights", OK, "nothing forbids", ""}},
		"untold":          {func(x *engine.ServerExamination) { x.Untold = true }, wanted{"rights", OK, "does not tell", ""}},
		"read only":       {func(x *engine.ServerExamination) { x.ReadOnly = true }, wanted{"rights", Fault, "may not write", "readonly = 0"}},
		"no SELECT":       {func(x *engine.ServerExamination) { x.Lacking = []string{"SELECT"} }, wanted{"rights", Fault, "lacks the rights SELECT", "GRANT SELECT"}},
		"no INSERT":       {func(x *engine.ServerExamination) { x.Lacking = []string{"INSERT", "ALTER"} }, wanted{"rights", Fault, "lacks the rights INSERT, ALTER", "GRANT SELECT"}},
		"no CREATE":       {func(x *engine.ServerExamination) { x.Lacking = []string{"CREATE"} }, wanted{"rights", Warning, "lacks the rights CREATE: passes can write", "GRANT SELECT"}},
		"no first CREATE": {func(x *engine.ServerExamination) { x.Lacking, x.Exists = []string{"CREATE"}, false }, wanted{"rights", Fault, "CREATE", "GRANT SELECT"}},
		"servers":         {func(*engine.ServerExamination) {}, wanted{"servers", OK, "4 servers of 2 shards", ""}},
		"one server": {func(x *engine.ServerExamination) {
			x.Servers = []engine.ServerState{{Host: "ch1:9000", Free: 500 * gb}}
		},
			wanted{"servers", OK, "when it is down, passes fail", ""}},
		"replica down": {func(x *engine.ServerExamination) {
			x.Servers[2] = engine.ServerState{Shard: 2, Number: 1, Host: "ch3:9000", Err: silent, Free: -1}
		},
			wanted{"servers", Warning, "ch3:9000, replica 1 of shard 2 (connection refused)", "start"}},
		"shard down": {func(x *engine.ServerExamination) { x.Servers[2].Err, x.Servers[3].Err = silent, silent },
			wanted{"servers", Fault, "no server of shard 2 answers", "start"}},
		"address down": {func(x *engine.ServerExamination) {
			x.Silent = []read.SilentHost{{Host: "ch9:9000", Err: silent}}
		}, wanted{"addresses", Warning, "ch9:9000 (connection refused)", "archive.url"}},
		"two archives": {func(x *engine.ServerExamination) { x.Others = []string{"ch3:9000"} }, wanted{"addresses", Fault, "ch3:9000 has another archive", "?cluster=NAME"}},
		"behind":       {func(x *engine.ServerExamination) { x.Servers[1].Delay = time.Minute }, wanted{"replicas", Warning, "ch2:9000, replica 2 of shard 1 by 1m", "system.replication_queue"}},
		"no keeper":    {func(x *engine.ServerExamination) { x.Servers[1].ReadOnly = true }, wanted{"replicas", Fault, "nothing can be written on ch2:9000", "start ZooKeeper"}},
		"up to date":   {func(*engine.ServerExamination) {}, wanted{"replicas", OK, "no replica is behind", ""}},
		"clock ahead":  {func(x *engine.ServerExamination) { x.Servers[3].Ahead = time.Hour }, wanted{"server-clock", Warning, "ch4:9000, replica 2 of shard 2 is 1h ahead of", "NTP"}},
		"clock behind": {func(x *engine.ServerExamination) { x.Servers[3].Ahead = -time.Hour }, wanted{"server-clock", Warning, "is 1h behind", "NTP"}},
		"clocks":       {func(*engine.ServerExamination) {}, wanted{"server-clock", OK, "agree", ""}},
		"full":         {func(x *engine.ServerExamination) { x.Servers[0].Free = gb }, wanted{"space", Warning, "1 GB are free on ch1:9000", "make room"}},
		"space":        {func(*engine.ServerExamination) {}, wanted{"space", OK, "500 GB are free", ""}},
		"no passes":    {func(x *engine.ServerExamination) { x.LastPass.Started = now.Add(-time.Hour) }, wanted{"last-pass", Fault, "none came after it", "heapstash run"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := healthyServers()
			test.change(&x)
			test.in(t, Server(x, 2*time.Minute, now.Time()))
		})
	}
}

// examineServer examines the servers of an address, as doctor does.
func examineServer(t *testing.T, url string, change func(*config.Config), now func() time.Time) Report {
	t.Helper()
	cfg := config.Default()
	cfg.Archive.URL = url
	if change != nil {
		change(&cfg)
	}
	x, err := engine.ExamineServer(t.Context(), cfg, now)
	if err != nil {
		t.Fatal(err)
	}
	return Server(x, time.Minute, now())
}

func makeArchive(t *testing.T, url string) {
	t.Helper()
	cfg := config.Default()
	cfg.Archive.URL = url
	s, err := engine.Open(t.Context(), cfg, engine.Options{})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestServerAlone: what doctor finds on a real server.
func TestServerAlone(t *testing.T) {
	loopback := net.IPv4(127, 0, 0, 1)
	certificate, key := clickhousetest.NewCertificate(t, time.Now().Add(time.Hour), loopback)
	other, _ := clickhousetest.NewCertificate(t, time.Now().Add(time.Hour), loopback)
	server := clickhousetest.StartWith(t, clickhousetest.ServerOptions{Certificate: certificate, Key: key, Users: []clickhousetest.User{
		{Name: "reader", Settings: map[string]string{"readonly": "2"}},
		{Name: "noddl", Settings: map[string]string{"allow_ddl": "0"}},
		{Name: "elsewhere", Databases: []string{"other"}},
		{Name: "short", Settings: map[string]string{"max_rows_to_group_by": "5", "group_by_overflow_mode": "any"}},
		{Name: "secret", Password: "x"},
	}})
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := server.Database(t)
	makeArchive(t, "clickhouse://"+server.Address+"/"+made)
	rival := clickhousetest.Start(t)
	makeArchive(t, "clickhouse://"+rival.Address+"/"+made)
	late := func() time.Time { return time.Now().Add(time.Hour) }
	type change = func(*config.Config)
	with := func(f func(*config.Archive)) change { return func(c *config.Config) { f(&c.Archive) } }
	for name, test := range map[string]struct {
		url    string // {} is the address with the archive
		change change
		now    func() time.Time
		wanted
	}{
		"healthy":           {"clickhouse://{}/" + made, nil, time.Now, wanted{"archive", OK, "in ClickHouse 18.16", ""}},
		"none yet":          {"clickhouse://{}/none", nil, time.Now, wanted{"archive", OK, "the first pass makes it", ""}},
		"may read":          {"clickhouse://reader@{}/" + made, nil, time.Now, wanted{"rights", Fault, "may not write", "readonly = 0"}},
		"no DDL":            {"clickhouse://noddl@{}/none", nil, time.Now, wanted{"rights", Fault, "lacks the rights CREATE", "allow_ddl"}},
		"no DDL any more":   {"clickhouse://noddl@{}/" + made, nil, time.Now, wanted{"rights", Warning, "lacks the rights CREATE", "allow_ddl"}},
		"another database":  {"clickhouse://elsewhere@{}/" + made, nil, time.Now, wanted{"archive", Fault, "Access denied to database", "allow_databases"}},
		"short answers":     {"clickhouse://short@{}/" + made, nil, time.Now, wanted{"archive", Fault, "group_by_overflow_mode = any, so answers could be short", "profile"}},
		"no password":       {"clickhouse://secret@{}/" + made, nil, time.Now, wanted{"archive", Fault, "Password required", "archive.password_file"}},
		"wrong password":    {"clickhouse://secret@{}/" + made, with(func(a *config.Archive) { a.PasswordFile = password }), time.Now, wanted{"archive", Fault, "Wrong password", "archive.password_file"}},
		"no password file":  {"clickhouse://secret@{}/" + made, with(func(a *config.Archive) { a.PasswordFile = password + ".no" }), time.Now, wanted{"archive", Fault, "no such file", "this user can read"}},
		"unknown user":      {"clickhouse://nobody@{}/" + made, nil, time.Now, wanted{"archive", Fault, "Unknown user nobody", "the user is in the address"}},
		"unknown host":      {"clickhouse://ch.invalid/" + made, nil, time.Now, wanted{"archive", Fault, "no such host", "is the name of the host right?"}},
		"nothing there":     {"clickhouse://127.0.0.1:1/" + made, nil, time.Now, wanted{"archive", Fault, "connection refused", "is the server up"}},
		"unknown cluster":   {"clickhouse://{}/" + made + "?cluster=prod", nil, time.Now, wanted{"archive", Fault, `does not know the cluster "prod"`, "leave ?cluster= out"}},
		"TLS":               {"clickhouse://" + server.Encrypted + "/" + made + "?secure=true", with(func(a *config.Archive) { a.CAFile = certificate }), time.Now, wanted{"archive", OK, "in ClickHouse 18.16", ""}},
		"wrong authority":   {"clickhouse://" + server.Encrypted + "/" + made + "?secure=true", with(func(a *config.Archive) { a.CAFile = other }), time.Now, wanted{"archive", Fault, "unknown authority", "archive.ca_file must have"}},
		"no TLS there":      {"clickhouse://{}/" + made + "?secure=true", nil, time.Now, wanted{"archive", Fault, "TLS handshake", "leave secure=true out"}},
		"first host silent": {"clickhouse://127.0.0.1:1,{}/" + made, nil, time.Now, wanted{"addresses", Warning, "127.0.0.1:1 (", "archive.url"}},
		"two archives":      {"clickhouse://{}," + rival.Address + "/" + made, nil, time.Now, wanted{"addresses", Fault, rival.Address + " has another archive", "?cluster=NAME"}},
		"wrong clock":       {"clickhouse://{}/" + made, nil, late, wanted{"server-clock", Warning, " behind the local one", "NTP"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.in(t, examineServer(t, strings.ReplaceAll(test.url, "{}", server.Address), test.change, test.now))
		})
	}
}

// TestServersOfCluster: what doctor finds while servers of a cluster are down or behind.
func TestServersOfCluster(t *testing.T) {
	servers := clickhousetest.StartCluster(t, clickhousetest.Options{})
	database := servers.Database(t)
	url := "clickhouse://" + servers.Addresses()[0] + "/" + database + "?cluster=" + servers.Name
	makeArchive(t, url)
	report := func() Report { t.Helper(); return examineServer(t, url, nil, time.Now) }
	await := func(w wanted) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			if slices.ContainsFunc(report(), func(f Finding) bool { return f.Name == w.finding && f.Level == w.level }) {
				break
			}
		}
		w.in(t, report())
	}
	wanted{"servers", OK, "4 servers of 2 shards", ""}.in(t, report())

	behind := servers.Shards[1][1]
	behind.Exec(t, "SYSTEM STOP FETCHES")
	servers.Shards[1][0].Exec(t, "INSERT INTO "+database+".pod_local (cluster, ts) SELECT 'c', 60")
	await(wanted{"replicas", Warning, behind.Address + ", replica 2 of shard 2 by", "system.replication_queue"})
	behind.Exec(t, "SYSTEM START FETCHES")
	servers.Await(t)

	servers.ZooKeeper.Kill()
	await(wanted{"replicas", Fault, "nothing can be written on", "start ZooKeeper"})
	servers.ZooKeeper.Start(t)
	servers.Await(t)

	servers.Shards[1][0].Kill()
	wanted{"servers", Warning, servers.Shards[1][0].Address + ", replica 1 of shard 2", "start"}.in(t, report())
	servers.Shards[1][1].Kill()
	found := report()
	if i := slices.IndexFunc(found, func(f Finding) bool { return f.Name == "servers" }); i < 0 || found[i].Level != Fault || !strings.Contains(found[i].Message, "no server of shard 2 answers") {
		t.Errorf("without a shard: %+v", found)
	}
}

package conn_test

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/schema"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]conn.Address{
		"clickhouse://u@h/d":                       {User: "u", Hosts: []string{"h:9000"}, Database: "d"},
		"clickhouse://h1:1,h2,[::1]:3/d?cluster=c": {User: "default", Hosts: []string{"h1:1", "h2:9000", "[::1]:3"}, Database: "d", Cluster: "c"},
		"clickhouse://h/d%23e?cluster=c%23d":       {User: "default", Hosts: []string{"h:9000"}, Database: "d#e", Cluster: "c#d"},
		"clickhouse://a%40b@h/d%20e?secure=true":   {User: "a@b", Hosts: []string{"h:9440"}, Database: "d e", Secure: true},
	} {
		got, err := conn.ParseAddress(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := conn.ParseAddress(got.String()); err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for text, want := range map[string]string{
		"http://h/d": "clickhouse://", "clickhouse://u:secret@h/d": "has a password", "clickhouse://u@h": "no database", "clickhouse://u@h/": "no database",
		"clickhouse:///d": "no name", "clickhouse://h:x/d": "not a number", "clickhouse://h/d?shard=1": `no option "shard"`, "clickhouse://h1,,h2/d": "no name",
		"clickhouse://h/d?cluster=": "is empty", "clickhouse://h/d?secure=2": "secure=2 is neither true nor false", "clickhouse://h/d?secure=maybe": "neither true nor false", "clickhouse://h/d?cluster=a&cluster=b": "two options", "clickhouse://h/a/b": `"a/b" is not a database`,
		"clickhouse://h/a%2Fb": "must not have a slash", "clickhouse://h/a%zz": "the database is not encoded correctly", "clickhouse://h:99999/d": "from 1 to 65535", "clickhouse://h:0/d": "from 1 to 65535",
		"clickhouse://h/d#frag": "it has a #, which is %23 in names", "clickhouse://h/d?cluster=c#frag": "has a #", "clickhouse://u#x@h/d": "has a #", "clickhouse://u:secret#x@h/d": "has a password",
	} {
		if a, err := conn.ParseAddress(text); err == nil || !strings.Contains(err.Error(), want) || schema.HintOf(err) == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %+v, %v (hint %s)", text, a, err, schema.HintOf(err))
		}
	}
}

// TestMake: two programs make one archive, and only one.
func TestMake(t *testing.T) {
	server := clickhousetest.Start(t)
	address := "clickhouse://" + server.Address + "/some-archive"
	if _, _, err := conn.Open(t.Context(), address, conn.Options{}); !errors.Is(err, archive.ErrNoArchive) || schema.HintOf(err) == "" {
		t.Fatalf("before: %v", err)
	}
	var ids [2]string
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			c, info, err := conn.OpenOrMake(t.Context(), address, conn.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = info.ID
			c.Close()
		})
	}
	group.Wait()
	c, info, err := conn.Open(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var metrics uint64
	if err := c.QueryRow(t.Context(), "SELECT count() FROM metrics").Scan(&metrics); err != nil || int(metrics) != len(schema.Registry()) {
		t.Errorf("%d metrics, %v", metrics, err)
	}
	if info.ID == "" || info.Format != 1 {
		t.Errorf("%+v", info)
	}
	if ids[0] == "" || ids[1] == "" || info.ID != ids[0] && info.ID != ids[1] {
		t.Errorf("the archive's id is %s, and was %q when it was made", info.ID, ids)
	}
}

// TestOthers: databases that are no archive of this program are refused, as they are.
func TestOthers(t *testing.T) {
	server := clickhousetest.Start(t)
	check := func(address string, sentinel error, text string) {
		t.Helper()
		for _, open := range []func() (*conn.Conn, conn.Info, error){
			func() (*conn.Conn, conn.Info, error) { return conn.Open(t.Context(), address, conn.Options{}) },
			func() (*conn.Conn, conn.Info, error) { return conn.OpenOrMake(t.Context(), address, conn.Options{}) },
		} {
			_, _, err := open()
			if err == nil || sentinel != nil && !errors.Is(err, sentinel) || !strings.Contains(fmt.Sprint(err), text) || schema.HintOf(err) == "" {
				t.Errorf("%s: %v (hint %s), want %v", address, err, schema.HintOf(err), sentinel)
			}
		}
	}
	foreign := server.Database(t)
	server.Exec(t, "CREATE TABLE "+foreign+".orders (a Int64) ENGINE = Memory")
	check("clickhouse://"+server.Address+"/"+foreign, archive.ErrNotArchive, "orders")
	newer := server.Database(t)
	c, _, err := conn.OpenOrMake(t.Context(), "clickhouse://"+server.Address+"/"+newer, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server.Exec(t, fmt.Sprintf("INSERT INTO %s.setting_rows SELECT 'format', '99', 0, 18446744073709551615", newer))
	check("clickhouse://"+server.Address+"/"+newer, archive.ErrNewerArchive, "99")
	check("clickhouse://nobody@"+server.Address+"/"+newer, nil, "nobody")
	check("clickhouse://"+server.Address+"/"+newer+"?cluster=nosuch", nil, "does not know the cluster")
	check("clickhouse://127.0.0.1:1/"+newer, nil, "refused")
}

// TestWrongCluster: an address with ?cluster= and one without it do not lead to the same
// tables, and the one that does not fit is refused.
func TestWrongCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	base := "clickhouse://" + strings.Join(cluster.Addresses(), ",") + "/"
	named := "?cluster=" + cluster.Name
	for _, test := range []struct{ made, wrong, hint string }{
		{base + "of-all" + named, base + "of-all", "write " + named},
		{base + "of-one", base + "of-one" + named, "leave ?cluster= out"},
	} {
		c, made, err := conn.OpenOrMake(t.Context(), test.made, conn.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		for name, open := range map[string]func() (*conn.Conn, conn.Info, error){
			"Open":       func() (*conn.Conn, conn.Info, error) { return conn.Open(t.Context(), test.wrong, conn.Options{}) },
			"OpenOrMake": func() (*conn.Conn, conn.Info, error) { return conn.OpenOrMake(t.Context(), test.wrong, conn.Options{}) },
		} {
			if _, _, err := open(); err == nil || !strings.Contains(err.Error(), "its tables are of") || !strings.HasPrefix(schema.HintOf(err), test.hint) {
				t.Errorf("%s of %s: %v (hint %s), want %s", name, test.wrong, err, schema.HintOf(err), test.hint)
			}
		}
		c, again, err := conn.OpenOrMake(t.Context(), test.made, conn.Options{})
		if err != nil || again.ID != made.ID {
			t.Fatalf("%s again: %v, %v, want %v", test.made, again, err, made)
		}
		c.Close()
	}
}

// TestTLS: with secure=true the server must have a certificate of the authority in
// archive.ca_file.
func TestTLS(t *testing.T) {
	loopback := net.IPv4(127, 0, 0, 1)
	certificate, key := clickhousetest.NewCertificate(t, time.Now().Add(time.Hour), loopback)
	server := clickhousetest.StartWith(t, clickhousetest.ServerOptions{Certificate: certificate, Key: key})
	database := "/" + server.Database(t)
	url := "clickhouse://" + server.Encrypted + database + "?secure=true"
	c, _, err := conn.OpenOrMake(t.Context(), url, conn.Options{CAFile: certificate})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	other, _ := clickhousetest.NewCertificate(t, time.Now().Add(time.Hour), loopback)
	old, oldKey := clickhousetest.NewCertificate(t, time.Now().Add(-time.Hour), loopback)
	expired := clickhousetest.StartWith(t, clickhousetest.ServerOptions{Certificate: old, Key: oldKey})
	for name, test := range map[string]struct {
		url, file, want, hint string
	}{
		"no authority":      {url, "", "certificate signed by unknown authority", "archive.ca_file must have"},
		"another authority": {url, other, "certificate signed by unknown authority", "archive.ca_file must have"},
		"no file":           {url, certificate + ".no", "no such file", "a file in PEM"},
		"no certificate":    {url, "conn_test.go", "has no certificate", "a file in PEM"},
		"another name":      {strings.Replace(url, "127.0.0.1", "localhost", 1), certificate, "match localhost", "for 127.0.0.1: use"},
		"expired":           {"clickhouse://" + expired.Encrypted + database + "?secure=true", old, "expired", "renew"},
		"not encrypted":     {"clickhouse://" + server.Address + database + "?secure=true", certificate, "tls", "leave secure=true out"},
		"encrypted":         {"clickhouse://" + server.Encrypted + database, "", "", "is the port that of the native protocol"},
	} {
		if _, _, err := conn.Open(t.Context(), test.url, conn.Options{CAFile: test.file}); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(schema.HintOf(err), test.hint) {
			t.Errorf("%s: %v (hint %s), want %s (hint %s)", name, err, schema.HintOf(err), test.want, test.hint)
		}
	}
}

// TestFirstDead: of several addresses the first that answers is used.
func TestFirstDead(t *testing.T) {
	server := clickhousetest.Start(t)
	c, _, err := conn.OpenOrMake(t.Context(), "clickhouse://127.0.0.1:1,127.0.0.1:2,"+server.Address+"/several", conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// It serves all connections of the pool.
	for range 20 {
		if err := c.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := conn.Open(t.Context(), "clickhouse://127.0.0.1:1,127.0.0.1:2/several", conn.Options{}); err == nil || !strings.Contains(schema.HintOf(err), "is the server up") {
		t.Errorf("both dead: %v (hint %s)", err, schema.HintOf(err))
	}
}

// TestProfiles: profiles that may cut answers short are refused, and so are users who may
// not do what passes do. Errors say what to do.
func TestProfiles(t *testing.T) {
	tests := map[string]struct {
		clickhousetest.User
		want, hint string
	}{
		"groups":    {clickhousetest.User{Settings: map[string]string{"max_rows_to_group_by": "1", "group_by_overflow_mode": "any"}}, "group_by_overflow_mode = any", "remove them"},
		"reads":     {clickhousetest.User{Settings: map[string]string{"max_rows_to_read": "1", "read_overflow_mode": "break"}}, "read_overflow_mode = break", "remove them"},
		"times":     {clickhousetest.User{Settings: map[string]string{"max_execution_time": "1", "timeout_overflow_mode": "break"}}, "timeout_overflow_mode = break", "remove them"},
		"results":   {clickhousetest.User{Settings: map[string]string{"max_result_rows": "1", "result_overflow_mode": "break"}}, "result_overflow_mode = break", "remove them"},
		"shards":    {clickhousetest.User{Settings: map[string]string{"distributed_group_by_no_merge": "1"}}, "distributed_group_by_no_merge = 1", "remove them"},
		"no rows":   {clickhousetest.User{Settings: map[string]string{"empty_result_for_aggregation_by_empty_set": "1"}}, "empty_result", "remove them"},
		"limited":   {clickhousetest.User{Settings: map[string]string{"max_result_rows": "1"}}, "Limit for result", "raise it"},
		"reader":    {clickhousetest.User{Settings: map[string]string{"readonly": "1"}}, "readonly", "readonly = 0"},
		"reader2":   {clickhousetest.User{Settings: map[string]string{"readonly": "2"}}, "readonly", "readonly = 0"},
		"noddl":     {clickhousetest.User{Settings: map[string]string{"allow_ddl": "0"}}, "prohibited", "allow_ddl"},
		"elsewhere": {clickhousetest.User{Databases: []string{"other"}}, "Access denied to database", "allow_databases"},
		"locked":    {clickhousetest.User{Password: "secret"}, "Password required", "archive.password_file"},
	}
	var o clickhousetest.ServerOptions
	for name, test := range tests {
		test.Name = strings.ReplaceAll(name, " ", "-")
		o.Users = append(o.Users, test.User)
	}
	server := clickhousetest.StartWith(t, o)
	for name, test := range tests {
		database := server.Database(t)
		address := "clickhouse://" + strings.ReplaceAll(name, " ", "-") + "@" + server.Address + "/" + database
		_, _, err := conn.OpenOrMake(t.Context(), address, conn.Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(schema.HintOf(err), test.hint) {
			t.Errorf("%s: %v (hint %s), want %s (hint %s)", name, err, schema.HintOf(err), test.want, test.hint)
		}
	}
	if _, _, err := conn.Open(t.Context(), "clickhouse://locked@"+server.Address+"/x", conn.Options{Password: "no"}); err == nil || !strings.Contains(err.Error(), "Wrong password") || schema.HintOf(err) == "" {
		t.Errorf("a wrong password: %v (hint %s)", err, schema.HintOf(err))
	}
	if _, _, err := conn.Open(t.Context(), "clickhouse://ch.invalid/x", conn.Options{}); err == nil || !strings.Contains(schema.HintOf(err), "name of the host") {
		t.Errorf("an unknown host: %v (hint %s)", err, schema.HintOf(err))
	}
}

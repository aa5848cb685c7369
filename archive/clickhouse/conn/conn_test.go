package conn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
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
		"clickhouse://h/d?cluster=": "is empty", "clickhouse://h/d?secure=2": "invalid", "clickhouse://h/d?cluster=a&cluster=b": "two options", "clickhouse://h/a/b": "no database",
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

// TestTLS: with secure=true the server must have a certificate of the authority in
// archive.ca_file.
func TestTLS(t *testing.T) {
	server := clickhousetest.Start(t)
	database := server.Database(t)
	address, authority := encrypt(t, server.Address)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	url := "clickhouse://" + address + "/" + database + "?secure=true"
	c, _, err := conn.OpenOrMake(t.Context(), url, conn.Options{CAFile: file})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for name, test := range map[string]struct {
		url, file, want string
	}{
		"another authority": {url, "", "certificate signed by unknown authority"},
		"no file":           {url, file + ".no", "no such file"},
		"no certificate":    {url, "conn_test.go", "has no certificate"},
		"not encrypted":     {"clickhouse://" + server.Address + "/" + database + "?secure=true", file, "tls"},
	} {
		if _, _, err := conn.Open(t.Context(), test.url, conn.Options{CAFile: test.file}); err == nil || !strings.Contains(err.Error(), test.want) || schema.HintOf(err) == "" {
			t.Errorf("%s: %v (hint %s), want %s", name, err, schema.HintOf(err), test.want)
		}
	}
}

// encrypt returns the address of a server that passes on what it decrypts, and the
// certificate of its authority.
func encrypt(t *testing.T, to string) (address string, authority []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer server.Close()
				go io.Copy(server, client)
				io.Copy(client, server)
			}()
		}
	}()
	return listener.Addr().String(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
}

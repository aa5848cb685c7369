package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// InfluxDB is a running influxd 1.x on loopback.
type InfluxDB struct {
	URL string

	process *process
	log     string
}

// influxConfig configures a server that stores everything in one directory, and
// serves only its API. It has no limit of series, unlike the default.
const influxConfig = `reporting-disabled = true
bind-address = "127.0.0.1:%[2]s"
[meta]
  dir = "%[1]s/meta"
[data]
  dir = "%[1]s/data"
  wal-dir = "%[1]s/wal"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
[http]
  bind-address = "127.0.0.1:%[3]s"
  log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
`

// StartInfluxDB starts the installed influxd in an empty directory. It ends with
// Stop, or with this process.
func StartInfluxDB(ctx context.Context, dir string) (*InfluxDB, error) {
	program, err := exec.LookPath("influxd")
	if err != nil {
		return nil, fmt.Errorf("%w: Debian has it in the package influxdb", err)
	}
	var ports [2]string
	for i := range ports {
		if ports[i], err = FreePort(); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(dir, "influxdb.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, influxConfig, dir, ports[0], ports[1]), 0o600); err != nil {
		return nil, err
	}
	db := &InfluxDB{URL: "http://127.0.0.1:" + ports[1], log: filepath.Join(dir, "log")}
	log, err := os.Create(db.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server has its own
	command := exec.Command(program, "-config", config)
	command.Stdout, command.Stderr = log, log
	if db.process, err = start(command); err != nil {
		return nil, err
	}
	if err := db.awaitReady(ctx); err != nil {
		text, _ := os.ReadFile(db.log)
		return nil, errors.Join(fmt.Errorf("influxd: %w\n%s", err, text), db.Stop())
	}
	return db, nil
}

func (db *InfluxDB) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		response, err := http.Get(db.URL + "/ping")
		if err == nil {
			return response.Body.Close()
		}
		select {
		case <-db.process.exited:
			return db.process.err
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the server.
func (db *InfluxDB) Stop() error { return db.process.stop(syscall.SIGTERM) }

// Write writes lines of InfluxDB's line protocol. The error contains the server's
// message.
func (db *InfluxDB) Write(database string, lines io.Reader) error {
	response, err := http.Post(db.URL+"/write?"+url.Values{"db": {database}}.Encode(), "text/plain", lines)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("write: %s: %s", response.Status, text)
	}
	return err
}

// InfluxSeries is one series of an answer. Numbers are exact: [json.Number].
type InfluxSeries struct {
	Name    string            `json:"name"`
	Tags    map[string]string `json:"tags"`
	Columns []string          `json:"columns"`
	Values  [][]any           `json:"values"`
}

// Query runs a query. Times are Unix seconds.
func (db *InfluxDB) Query(database, question string) ([]InfluxSeries, error) {
	response, err := http.PostForm(db.URL+"/query", url.Values{"db": {database}, "q": {question}, "epoch": {"s"}})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Error   string `json:"error"`
		Results []struct {
			Error  string         `json:"error"`
			Series []InfluxSeries `json:"series"`
		} `json:"results"`
	}
	decoder := json.NewDecoder(response.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", question, response.Status, err)
	}
	var series []InfluxSeries
	faults := answer.Error
	for _, result := range answer.Results {
		faults += result.Error
		series = append(series, result.Series...)
	}
	if faults != "" {
		return nil, fmt.Errorf("%s: %s", question, strings.TrimSpace(faults))
	}
	return series, nil
}

// PID is the server's process id.
func (db *InfluxDB) PID() int { return db.process.command.Process.Pid }

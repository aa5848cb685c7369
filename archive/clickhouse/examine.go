package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/read"
)

// Examination describes an archive's servers, found without writing.
type Examination struct {
	Address string
	Exists  bool
	// Err is the error of reaching a server, or of reading the archive; nil without an
	// archive.
	Err      error
	Version  string // of the server that answered; empty if none did
	Bytes    int64  // of the archive, one replica of each shard
	ReadOnly bool   // the user may not write
	// Lacking is what the user lacks, as far as the server tells; empty for nothing.
	Lacking string
	Servers []ServerState

	// LastPass is the cluster's last pass, nil without one.
	LastPass *archive.PassStatus
}

// ServerState describes a server: of the cluster, or the only one.
type ServerState struct {
	Shard, Number int // from 1; zero without a cluster
	Host          string
	Err           error // it did not answer; then the rest is zero
	Version       string
	// Ahead is how much its clock is ahead of the local one, to a second.
	Ahead time.Duration
	// Delay is how far the most delayed table is behind the other replicas.
	Delay    time.Duration
	ReadOnly bool  // it has lost ZooKeeper or ClickHouse Keeper
	Free     int64 // bytes on the disk; negative if not known
}

// answerTime is how long a server may take to be examined.
const answerTime = 5 * time.Second

// Examine examines the archive's servers, and the last pass of the Kubernetes cluster.
// Faults are in the Examination; the error is ctx's. Now is the local clock.
func Examine(ctx context.Context, address, cluster string, opts conn.Options, now func() time.Time) (Examination, error) {
	x := Examination{Address: address}
	x.Err = x.examine(ctx, cluster, opts, now)
	return x, ctx.Err()
}

func (x *Examination) examine(ctx context.Context, cluster string, opts conn.Options, now func() time.Time) error {
	c, err := conn.ConnectServer(ctx, x.Address, opts)
	if err != nil {
		return err
	}
	defer c.Close() // read only
	if v, err := c.ServerVersion(); err == nil {
		x.Version = v.Version.String()
	}
	x.rights(ctx, c)
	replicas := c.Replicas
	if len(replicas) == 0 {
		replicas = []conn.Replica{{Host: c.Address.Hosts[0]}}
		x.Servers = append(x.Servers, stateOf(ctx, c.Conn, replicas[0], c.Address.Database, now))
	} else {
		for _, r := range replicas {
			direct, err := c.DirectServer(r, answerTime)
			if err != nil {
				return err
			}
			x.Servers = append(x.Servers, stateOf(ctx, direct, r, c.Address.Database, now))
			_ = direct.Close() // read only
		}
	}
	reader, err := OpenReader(ctx, x.Address, opts)
	switch {
	case errors.Is(err, archive.ErrNoArchive):
		return nil
	case err != nil:
		return err
	}
	defer reader.Close() // read only
	x.Exists = true
	return x.read(ctx, reader, cluster)
}

// read reads the size and the last pass.
func (x *Examination) read(ctx context.Context, reader *Reader, cluster string) error {
	status, err := reader.Status(ctx)
	if err != nil {
		return err
	}
	x.Bytes = status.Bytes
	x.LastPass, err = read.LastPass(ctx, reader.server, cluster)
	return err
}

// rights finds what the user may not do.
func (x *Examination) rights(ctx context.Context, c *conn.Conn) {
	var readOnly string
	if err := c.QueryRow(ctx, "SELECT value FROM system.settings WHERE name = 'readonly'").Scan(&readOnly); err == nil {
		x.ReadOnly = readOnly == "1"
	}
	// Servers before 24.12 do not know the statement.
	for _, right := range []string{"SELECT", "INSERT", "CREATE", "ALTER", "DROP"} {
		var granted uint8
		if err := c.QueryRow(ctx, fmt.Sprintf("CHECK GRANT %s ON %s.*", right, quoted(c.Address.Database))).Scan(&granted); err == nil && granted == 0 {
			if x.Lacking != "" {
				x.Lacking += ", "
			}
			x.Lacking += right
		}
	}
}

func quoted(name string) string { return "`" + name + "`" }

// stateOf asks a server.
func stateOf(ctx context.Context, c driver.Conn, r conn.Replica, database string, now func() time.Time) ServerState {
	s := ServerState{Shard: r.Shard, Number: r.Number, Host: r.Host, Free: -1}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	asked := now()
	var clock int64
	if s.Err = c.QueryRow(ctx, "SELECT toInt64(toUnixTimestamp(now())), version()").Scan(&clock, &s.Version); s.Err != nil {
		return s
	}
	answered := now()
	switch at := time.Unix(clock, 0); {
	case at.Add(time.Second).Before(asked):
		s.Ahead = at.Add(time.Second).Sub(asked)
	case at.After(answered):
		s.Ahead = at.Sub(answered)
	}
	var delay, readOnly uint64
	s.Err = c.QueryRow(ctx, "SELECT toUInt64(max(absolute_delay)), toUInt64(max(is_readonly)) FROM system.replicas WHERE database = ?", database).Scan(&delay, &readOnly)
	s.Delay, s.ReadOnly = time.Duration(delay)*time.Second, readOnly > 0
	var free uint64 // servers of 2018 do not tell it
	if err := c.QueryRow(ctx, "SELECT toUInt64(min(free_space)) FROM system.disks").Scan(&free); err == nil {
		s.Free = int64(free)
	}
	return s
}

// Silent returns the shards of which no server answered.
func (x Examination) Silent() (shards []int) {
	alive := make(map[int]bool)
	for _, s := range x.Servers {
		alive[s.Shard] = alive[s.Shard] || s.Err == nil
	}
	seen := make(map[int]bool)
	for _, s := range x.Servers {
		if !alive[s.Shard] && !seen[s.Shard] {
			seen[s.Shard] = true
			shards = append(shards, s.Shard)
		}
	}
	return shards
}

package read

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
)

// Examination describes an archive's servers, found without writing.
type Examination struct {
	Address string
	Exists  bool
	// Prepared says that the tables are there, and no pass has written yet.
	Prepared bool
	// Err is the error of reaching a server, or of reading the archive; nil without an
	// archive.
	Err      error
	Version  string // of the server that answered; empty if none did
	Bytes    int64  // of the archive, one replica of each shard
	ReadOnly bool   // the user's profile does not let the user write
	// Lacking are the rights that the user lacks, such as CREATE, as far as the server
	// tells.
	Lacking []string
	// Untold says that the server does not tell the user's rights.
	Untold  bool
	Servers []ServerState
	// Silent are the hosts of the address that do not answer.
	Silent []SilentHost
	// Others are the hosts of the address that have another archive than the first host
	// that answers.
	Others []string

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

// SilentHost is a host of the address that does not answer.
type SilentHost struct {
	Host string
	Err  error
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
	v, err := c.ServerVersion()
	if err != nil {
		return c.Explain(err)
	}
	x.Version = v.Version.String()
	first, err := x.hosts(ctx, c)
	if err != nil {
		return err
	}
	x.rights(ctx, c, v.Version.Major)
	if len(c.Replicas) == 0 {
		x.Servers = append(x.Servers, stateOf(ctx, c.Pool, conn.Replica{Host: first}, c.Address.Database, now))
	}
	for _, r := range c.Replicas {
		direct, err := c.DirectServer(r, answerTime)
		if err != nil {
			return err
		}
		x.Servers = append(x.Servers, stateOf(ctx, direct, r, c.Address.Database, now))
		_ = direct.Close() // read only
	}
	server, err := Connect(ctx, x.Address, opts)
	switch {
	case errors.Is(err, archive.ErrNoArchive):
		missing, err := c.Missing(ctx)
		x.Prepared = missing == ""
		return c.Explain(err)
	case err != nil:
		return err
	}
	defer server.Close() // read only
	x.Exists = true
	return x.read(ctx, server, cluster)
}

// read reads the size and the last pass.
func (x *Examination) read(ctx context.Context, server rows.Server, cluster string) error {
	status, err := Status(ctx, server)
	if err != nil {
		return err
	}
	x.Bytes = status.Bytes
	x.LastPass, err = LastPass(ctx, server, cluster)
	return err
}

// hosts asks each host of the address. It returns the first that answers.
func (x *Examination) hosts(ctx context.Context, c *conn.Conn) (first string, err error) {
	ids := make(map[string]string)
	for _, host := range c.Address.Hosts {
		id, err := idAt(ctx, c, host)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			x.Silent = append(x.Silent, SilentHost{host, err})
			continue
		case first == "":
			first = host
		}
		if ids[host] = id; id != ids[first] {
			x.Others = append(x.Others, host)
		}
	}
	return cmp.Or(first, c.Address.Hosts[0]), nil
}

// idAt returns the id of the archive that a host has, empty if it has none. It is an error
// if the host does not answer.
func idAt(ctx context.Context, c *conn.Conn, host string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	server, err := c.DirectServer(conn.Replica{Host: host}, answerTime)
	if err != nil {
		return "", err
	}
	defer server.Close() // read only
	if err := server.Ping(ctx); err != nil {
		return "", err
	}
	setting := c.Dialect.Name(c.Layout.Setting.Rows())
	// Other errors are the archive's, which is examined later.
	_ = server.QueryRow(ctx, "SELECT max(value) FROM "+setting+" FINAL WHERE deleted = 0 AND name = 'archive_id'").Scan(&id)
	return id, nil
}

// rights finds what the user may not do. Servers before 20 have profiles, and those from
// 24.12 on tell what is granted.
func (x *Examination) rights(ctx context.Context, c *conn.Conn, major uint64) {
	profile := make(map[string]string)
	_ = c.Each(ctx, func(rows driver.Rows) error {
		var name, value string
		err := rows.Scan(&name, &value)
		profile[name] = value
		return err
	}, "SELECT name, value FROM system.settings WHERE name IN ('readonly', 'allow_ddl')")
	x.ReadOnly = profile["readonly"] == "1" || profile["readonly"] == "2"
	if profile["allow_ddl"] == "0" {
		x.Lacking = []string{"CREATE", "ALTER", "DROP"}
		return
	}
	if major < firstGrants {
		return
	}
	database := tables.Quote(c.Address.Database) + ".*"
	asked := []string{"SELECT ON " + database, "INSERT ON " + database, "CREATE ON " + database, "ALTER ON " + database, "DROP ON " + database}
	if c.Address.Cluster != "" {
		asked = append(asked, "CLUSTER ON *.*")
	}
	for _, right := range asked {
		var granted uint8
		switch err := c.QueryRow(ctx, "CHECK GRANT "+right).Scan(&granted); {
		case err != nil:
			x.Untold = true
			return
		case granted == 0:
			name, _, _ := strings.Cut(right, " ")
			x.Lacking = append(x.Lacking, name)
		}
	}
}

// firstGrants is the first version with rights that are granted.
const firstGrants = 20

// stateOf asks a server.
func stateOf(ctx context.Context, c *conn.Pool, r conn.Replica, database string, now func() time.Time) ServerState {
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

// SilentShards returns the shards of which no server answered.
func (x Examination) SilentShards() (shards []int) {
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

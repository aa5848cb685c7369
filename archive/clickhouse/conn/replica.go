package conn

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/schema"
)

// Replica is a server of a cluster.
type Replica struct {
	Shard, Number int    // from 1
	Host          string // name and port in the cluster's settings
	Address       string // and as the servers' messages have it
}

// readReplicas reads the cluster's servers. It is an error if the server does not know
// the cluster.
func (c *Conn) readReplicas(ctx context.Context) (all []Replica, err error) {
	err = c.Each(ctx, func(rows driver.Rows) error {
		var shard, number uint32
		var host, address string
		var port uint16
		if err := rows.Scan(&shard, &number, &host, &address, &port); err != nil {
			return err
		}
		all = append(all, Replica{int(shard), int(number), fmt.Sprintf("%s:%d", host, port), fmt.Sprintf("%s:%d", address, port)})
		return nil
	}, "SELECT shard_num, replica_num, host_name, host_address, port FROM system.clusters WHERE cluster = ? ORDER BY 1, 2", c.Address.Cluster)
	if err != nil || len(all) > 0 {
		return all, err
	}
	var known []string
	err = c.Each(ctx, func(rows driver.Rows) error {
		var name string
		err := rows.Scan(&name)
		known = append(known, name)
		return err
	}, "SELECT DISTINCT cluster FROM system.clusters ORDER BY cluster")
	if err != nil {
		return nil, err
	}
	has := "no cluster"
	if len(known) > 0 {
		has = strings.Join(known, ", ")
	}
	return nil, schema.WithHint(fmt.Errorf("archive %s: the server does not know the cluster %q", c.Address, c.Address.Cluster),
		"the server's remote_servers has "+has+"; for one server, leave ?cluster= out")
}

// nameShards returns the shards whose servers a message names, such as "shard 2 (ch3:9000,
// ch4:9000)".
func (c *Conn) nameShards(message string) string {
	hosts := make(map[int][]string)
	silent := make(map[int]bool)
	for _, r := range c.Replicas {
		hosts[r.Shard] = append(hosts[r.Shard], r.Host)
		if strings.Contains(message, r.Host) || strings.Contains(message, r.Address) {
			silent[r.Shard] = true
		}
	}
	var named []string
	for shard := range silent {
		named = append(named, fmt.Sprintf("shard %d (%s)", shard, strings.Join(hosts[shard], ", ")))
	}
	slices.Sort(named)
	return strings.Join(named, ", ")
}

package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// selectCutting finds the settings by which a server leaves rows out of an answer, or
// gives an old one, as if it were whole and new. A pass would replace rows that it does
// not see. clickhouse-go cannot set most of them on servers of 2018, so the user's profile
// must not have them. It is one row, because that is what they may leave out.
const selectCutting = `SELECT arrayStringConcat(groupArray(concat(name, ' = ', value)), ', ') FROM system.settings
WHERE name LIKE '%overflow_mode%' AND value NOT IN ('throw', '')
  OR name IN ('limit', 'offset', 'additional_result_filter', 'additional_table_filters', 'use_query_cache', 'final',
    'distributed_group_by_no_merge', 'empty_result_for_aggregation_by_empty_set') AND value NOT IN ('', '0', '{}')`

// checkProfile returns an error if the settings of the user's profile may cut answers
// short.
func (c *Conn) checkProfile(ctx context.Context) error {
	cutting := "?"
	err := c.Each(ctx, func(rows driver.Rows) error { return rows.Scan(&cutting) }, selectCutting)
	if err != nil {
		return err
	}
	switch cutting {
	case "":
		return nil
	case "?":
		cutting = "a setting that leaves out rows"
	}
	return schema.WithHint(fmt.Errorf("archive %s: the user's profile has %s, so answers could be short", c.Address, cutting),
		"remove them from the profile, or give heapstash a user with another one")
}

// denied returns the error that the user may not use the database, if that is why a
// connection ended. Servers of 2018 end it without a word.
func (c *Conn) denied(ctx context.Context, database string, err error) error {
	if database == "" || !errors.Is(err, io.EOF) {
		return err
	}
	server, failed := c.open(c.Address.Hosts, "", 10*time.Second)
	if failed != nil {
		return err
	}
	defer server.Close() // read only
	table := tables.Dialect{Database: database}.Name(c.Layout.Setting.Rows())
	if denied := server.Exec(ctx, "EXISTS TABLE "+table); denied != nil {
		return denied
	}
	return err
}

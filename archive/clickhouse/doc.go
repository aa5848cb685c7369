// Package clickhouse keeps archives in a ClickHouse server or cluster.
package clickhouse

// Package clickhouse keeps archives in a ClickHouse server or cluster.
//
// There is no lock and no transaction. A pass writes rows first, and watermarks, names
// and the ledger after them, so that what it remembers never runs ahead of the rows. It
// writes whole rows: the stored row, merged with what is new. Two passes of one cluster
// at once are harmless: each reads back what it wrote, and repairs it.
package clickhouse

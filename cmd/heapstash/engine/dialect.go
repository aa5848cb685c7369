package engine

import (
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/cmd/heapstash/config"
)

// DialectOf returns the SQL of the settings' archive.
func DialectOf(cfg config.Config) Dialect {
	if cfg.Archive.URL != "" {
		return ClickHouse
	}
	return SQLite
}

// GlobLiteral returns a glob as a regular expression, as ClickHouse's SQL spells it.
func GlobLiteral(glob string) string { return tables.Literal(rows.Expression(glob)) }

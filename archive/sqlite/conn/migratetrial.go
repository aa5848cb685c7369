//go:build trialmigration

package conn

import _ "embed"

//go:embed rewriting.sql
var trialScript string

// trialMigrations lead to a version that is never released. Tests interrupt this
// migration, which rewrites every row of a table.
func trialMigrations() []Step { return []Step{{Script: trialScript, Room: 2.2}} }

//go:build trialmigration

package conn

import _ "embed"

//go:embed rewriting.sql
var trialScript string

// trialMigrations are a version that nobody releases, for the tests that
// disturb a migration: it writes every row of a table anew.
func trialMigrations() []Step { return []Step{{Script: trialScript, Room: 2.2}} }

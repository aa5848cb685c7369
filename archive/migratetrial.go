//go:build trialmigration

package archive

import _ "embed"

//go:embed testdata/rewriting.sql
var trialScript string

// trialMigrations are a version that nobody releases, for the tests that
// disturb a migration: it writes every row of a table anew.
func trialMigrations() []migration { return []migration{{script: trialScript, room: 2.2}} }

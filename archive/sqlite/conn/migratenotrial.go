//go:build !trialmigration

package conn

// trialMigrations are for builds that are made to be disturbed.
func trialMigrations() []Step { return nil }

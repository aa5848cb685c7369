//go:build !trialmigration

package conn

// trialMigrations are for test builds only.
func trialMigrations() []Step { return nil }

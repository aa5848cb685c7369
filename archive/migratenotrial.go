//go:build !trialmigration

package archive

// trialMigrations are for builds that are made to be disturbed.
func trialMigrations() []migration { return nil }

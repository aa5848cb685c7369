// Package read reads status, holes, sizes and samples from an archive in ClickHouse, and
// examines its servers.
package read

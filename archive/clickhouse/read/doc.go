// Package read reads status, holes and samples from an archive's views in ClickHouse.
package read

// Package collect is one pass: it asks a [Source] what Heapster shows, stores
// that in a [Store], and returns a [Summary].
//
// The package knows neither HTTP nor SQL. The interfaces are declared here,
// where they are consumed; *heapster.Client is a Source and *archive.Store a
// Store.
package collect

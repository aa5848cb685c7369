// Package collect makes one pass: it asks a [Source] what Heapster shows, stores
// that in a [Store], and returns a [Summary].
//
// A pass reads the cluster's own series, the lists, and then in three stages the
// series of nodes and namespaces, of pods, and of containers. Beside them it
// downloads metric-export. What it cannot read is a hole, never a guess.
//
// The package knows neither HTTP nor SQL. Its interfaces are declared here, where
// they are used.
package collect

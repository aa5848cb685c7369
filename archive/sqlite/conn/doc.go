// Package conn opens archives: [Writer] and [Reader] are connections to SQLite with
// the right pragmas, transactions, settings and migrations. What is read or written
// over them is the business of the packages above: no samples here.
package conn

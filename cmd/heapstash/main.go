// Heapstash archives what Heapster forgets: it reads a cluster's metrics from
// Heapster's model API and keeps them in a SQLite file.
//
// Package main has a file for each command. It only converts: arguments into calls
// of the packages beside it, and errors into a message, a hint and an exit code.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

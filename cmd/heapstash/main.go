// Heapstash archives what Heapster forgets: it reads a cluster's metrics from
// Heapster's model API and keeps them in a SQLite file.
//
// This package only converts: arguments, environment and a file into a
// [Config], the work of the packages heapster and archive into output, and
// errors into a message, a hint and an exit code.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

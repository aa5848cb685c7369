module heapstash/e2e

go 1.26.0

require (
	golang.org/x/sys v0.49.0
	heapstash v0.0.0
)

require (
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/mattn/go-sqlite3 v1.14.53 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace heapstash => ../

package schema

import "time"

// Heapster's own times. They are in its code and have no flag.
const (
	// ShortRetention is how long Heapster keeps samples (metrics/sinks/factory.go).
	// It evicts only when a new batch comes, so that three batches are visible at
	// its usual resolution.
	ShortRetention = 140 * time.Second
	// LongRetention is the same for the metrics that are [Metric.Long].
	LongRetention = 15 * time.Minute
	// StaleAge is the age of the newest batch above which Heapster's healthz
	// fails (maxMetricsDelay in metrics/handlers.go).
	StaleAge = 3 * time.Minute
)

// Package archive is the contract of every engine that stores samples: a pass writes
// a [Batch], a [Pass] and its [Hole]s, and reads the [Memory]; commands read the
// [Status]; readers take a [Selection] of [Samples]; [Retention] limits how long
// samples are kept. The package does no input or output.
//
// Times are on Heapster's clock, in Unix seconds UTC ([schema.Instant]), unless a
// comment names the local clock.
package archive

// Package archive is the contract of every engine that keeps samples: what a
// pass stores and remembers ([Batch], [Memory], [Pass], [Hole]), what an archive
// tells of itself ([Status]), which samples a reader selects ([Selection]), and
// how long each is kept ([Retention]). It does no input or output.
//
// Times are Heapster's, in Unix seconds UTC ([schema.Instant]), unless a comment
// says that they are the local clock's.
package archive

// Package lake keeps raw samples in Parquet files that other programs read. It has no
// SQL, and knows no engine.
//
// # Layout
//
//	_README.md
//	kind=pod/cluster=prod/day=2017-09-27/part-0.parquet
//
// The kind is a kind of entity (pod), a labelled family (filesystem), or narrow. A
// cluster's name is escaped as Hive does: bytes other than letters, digits, "-", "_",
// ".", "~" and UTF-8 are %XX. A day is a day of UTC. Kind, cluster and day are not
// columns of the files. Names that begin with "_" or "." are not data.
//
// A row is an entity at one time: its names, ts (Unix seconds), time, and two columns
// for each metric: an INT64 such as cpu_usage_rate, and a DOUBLE such as
// cpu_usage_rate_float. One of the two has the value, as Heapster gave it: integers are
// exact beyond 2^53, and 2 is not 2.0. Both are NULL if there is no sample. Ratios of nodes,
// which Heapster cuts to 0 or 1, have the exact ratio in the DOUBLE as well. Rows of
// families have all names and the kind of their owner (entity_kind). In narrow, which
// has the metrics without a column, a row is one sample: metric, value or value_float.
//
// The parts of a day have different entities, except while a part is replaced. In a
// part, rows are sorted by entity ([Row.Compare]), in narrow by metric, then by time.
//
// # Safety
//
// A part is written as a draft (.part-0.parquet.draft), synced, read back and compared,
// renamed, and its directories are synced. So there is a whole part or none, at any
// moment. [Lake.Keep] merges rows into the parts that are there: repeating it adds
// nothing, and rows that come late do not become a second row of the same sample.
package lake

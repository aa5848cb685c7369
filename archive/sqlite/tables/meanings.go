package tables

// viewMeanings says what a row of each view of samples is. [MeaningOfView] derives the
// meanings of rollups and rates.
var viewMeanings = map[string]string{
	"pod": "a pod at a moment", "container": "a container at a moment", "node": "a node at a moment",
	"namespace": "a namespace at a moment", "cluster": "a cluster at a moment",
	"system_container": "a container outside every pod at a moment",
	"filesystem":       "a file system at a moment", "disk": "a disk at a moment", "accelerator": "an accelerator at a moment",
	"samples":        "a sample, of any metric, custom ones too",
	"samples_hourly": "what an hour of samples comes to, of any metric, custom ones too",
	"samples_daily":  "what a day of samples comes to, of any metric, custom ones too",
}

// columnMeanings describes the columns without a metric, by column or view.column.
// The latter wins.
var columnMeanings = map[string]ViewColumn{
	"cluster":        {Meaning: "the name that passes gave the cluster"},
	"kind":           {Meaning: "cluster, node, namespace, pod, container or system_container"},
	"namespace":      {Meaning: "the namespace's name"},
	"pod":            {Meaning: "the pod's name"},
	"container":      {Meaning: "the container's name"},
	"node":           {Meaning: "the node's name"},
	"labels":         {Meaning: "key:value, joined by commas, in key order"},
	"resource_id":    {Meaning: "the file system or disk, as Heapster names it"},
	"accelerator_id": {Meaning: "the accelerator"},
	"make":           {Meaning: "who made the accelerator"},
	"model":          {Meaning: "the accelerator's model"},
	"metric":         {Meaning: "the metric's name, as Heapster spells it"},
	"ts":             {Unit: "s since 1970", Meaning: "the moment, on Heapster's clock: it reaches the keys"},
	"time":           {Meaning: "the same as text, in UTC"},
	"value":          {Unit: "the metric's", Meaning: "the value, as Heapster showed it: metrics.description says what it cuts"},
	"samples":        {Meaning: "number of raw rows"},
	"min":            {Unit: "the metric's", Meaning: "the least value"},
	"avg":            {Unit: "the metric's", Meaning: "the sum divided by the samples"},
	"max":            {Unit: "the metric's", Meaning: "the greatest value"},
	"sum":            {Unit: "the metric's", Meaning: "of all values"},
	"increase":       {Unit: "the metric's", Meaning: "of a counter: growth since the value before; after a reset, from 0"},
	"last":           {Unit: "the metric's", Meaning: "of a counter: the last value"},

	"filesystem.kind":        {Meaning: "whose it is: node, pod or container"},
	"disk.kind":              {Meaning: "whose it is: node"},
	"accelerator.kind":       {Meaning: "whose it is: container"},
	"samples_hourly.samples": {Meaning: "number of samples"},
	"samples_daily.samples":  {Meaning: "number of samples"},
}

package main

import (
	"encoding/json"
	"io"
	"net/url"

	"k8s.io/heapster/metrics/core"
	"k8s.io/heapster/metrics/sinks/influxdb"
)

// influxSink returns Heapster's own sink for the InfluxDB at a URL, as
// --sink=influxdb:URL does.
func influxSink(address string) (core.DataSink, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return influxdb.CreateInfluxdbSink(parsed)
}

// printTypes writes JSON: the names of Heapster's metrics, and whether they are floats.
func printTypes(w io.Writer) error {
	isFloat := make(map[string]bool)
	for _, metric := range core.AllMetrics {
		isFloat[metric.Name] = metric.ValueType == core.ValueFloat
	}
	return json.NewEncoder(w).Encode(isFloat)
}

package schema

import (
	"strings"
	"testing"
)

// TestFloats lists the metrics that Heapster v1.5.4 defines as floats
// (metrics/core/metrics.go).
func TestFloats(t *testing.T) {
	var got []string
	for _, m := range registry {
		if m.IsFloat() {
			got = append(got, string(m.Name))
		}
	}
	const want = `cpu/node_allocatable cpu/node_capacity cpu/node_reservation cpu/node_utilization
		ephemeral_storage/node_allocatable ephemeral_storage/node_capacity ephemeral_storage/node_reservation ephemeral_storage/node_utilization
		memory/major_page_faults_rate memory/node_allocatable memory/node_capacity memory/node_reservation memory/node_utilization memory/page_faults_rate
		network/rx_errors_rate network/rx_rate network/tx_errors_rate network/tx_rate disk/io_read_bytes_rate disk/io_write_bytes_rate`
	if strings.Join(got, " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got %v", got)
	}
}

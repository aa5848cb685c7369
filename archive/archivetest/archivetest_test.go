package archivetest_test

import (
	"testing"

	"heapstash/archive/archivetest"
)

func TestMemory(t *testing.T) {
	archivetest.Run(t, func(*testing.T) archivetest.Engine { return archivetest.NewInMemory().Engine() })
}

package check

import (
	"fmt"
	"strings"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
)

// ValuesIn returns the SQL expression of the number of samples in a wide table's row s.
func ValuesIn(t *tables.Table) string {
	set := make([]string, len(t.Metrics))
	for i, m := range t.Metrics {
		set[i] = "(s." + m.Column() + " IS NOT NULL)"
	}
	return strings.Join(set, " + ")
}

// balance compares the account with the scans' count of samples, if all scans ended.
func (c *checker) balance() error {
	if c.uncounted {
		return nil
	}
	a, err := conn.ReadAccount(c.ctx, c.tx)
	if err != nil {
		return err
	}
	c.find(Finding{Name: "samples-lost", Count: a.Lost(c.samples),
		Meaning:  "passes stored more samples than exist: some were lost, and not by pruning",
		Examples: []string{fmt.Sprintf("%d stored, %d of them deleted; %d exist", a.Stored, a.Gone, c.samples)}})
	return nil
}

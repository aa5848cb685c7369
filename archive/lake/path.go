package lake

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"heapstash/schema"
)

// partition is the directory of a day of a table and a cluster.
type partition struct {
	table   *table
	cluster string
	day     schema.Instant // its begin
}

func (p partition) path(dir string) string {
	return filepath.Join(dir, "kind="+p.table.name, "cluster="+escape(p.cluster), "day="+p.day.Time().Format(time.DateOnly))
}

const partForm = "part-%d.parquet"

func partName(n int) string { return fmt.Sprintf(partForm, n) }

// parsePart returns the number of a part, and false for another file.
func parsePart(name string) (n int, ok bool) {
	_, err := fmt.Sscanf(name, partForm, &n)
	return n, err == nil && name == partName(n)
}

// escape spells a value in the name of a directory as Hive does.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 || c >= 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape is the inverse of escape. It returns false for a text that escape does not make.
func unescape(text string) (value string, ok bool) {
	value, err := url.PathUnescape(text)
	return value, err == nil && escape(value) == text
}

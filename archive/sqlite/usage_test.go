package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite"
)

// TestUsage compares parts with what the stock shell's dbstat says, page by
// page, while rows are in the -wal file alone and a pass writes; and namespaces
// with the rows that they have.
func TestUsage(t *testing.T) {
	path := newPath(t)
	fillArchive(t, path)
	s := open(t, path) // from here on there is a log
	write(t, s, row(web0, noon, reading("memory/rss", 1)))
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	u, err := r.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const sizes = `SELECT CASE WHEN name LIKE '%\_hot' ESCAPE '\' THEN replace(name, '_hot', '') WHEN name LIKE '%\_cold' ESCAPE '\' THEN replace(name, '_cold', '')
			WHEN name LIKE '%\_hour' ESCAPE '\' THEN name || 'ly' WHEN name LIKE '%\_day' ESCAPE '\' THEN replace(name, '_day', '_daily') END AS part, sum(pgsize)
		FROM dbstat GROUP BY part`
	want := make(map[string]string)
	for line := range strings.Lines(stock(t, path, sizes)) {
		part, bytes, _ := strings.Cut(strings.TrimSpace(line), "|")
		want[part] = bytes
	}
	sum := u.Free
	for _, p := range u.Parts {
		sum += p.Bytes
		if p.Name != "" && fmt.Sprint(p.Bytes) != want[p.Name] {
			t.Errorf("%s: %d bytes, dbstat says %s", p.Name, p.Bytes, want[p.Name])
		}
	}
	if len(u.Parts) != 3*10+1 {
		t.Errorf("%d parts: %+v", len(u.Parts), u.Parts)
	}
	if got := stock(t, path, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"); got != fmt.Sprint(sum) {
		t.Errorf("%d bytes together, the file has %s", sum, got)
	}
	byName := make(map[string]archive.NamespaceUsage)
	for _, n := range u.Namespaces {
		byName[n.Namespace] = n
	}
	shop, batch := byName["shop"], byName["batch"]
	// web-0 lives for ten days, brief for a day and a half of them; the nginx
	// container is the shop's, too.
	if shop.Bytes[archive.Raw] < 6*batch.Bytes[archive.Raw] || batch.Bytes[archive.Raw] == 0 || batch.Bytes[archive.Hourly] == 0 || byName[""].Total == 0 {
		t.Errorf("namespaces: %+v", u.Namespaces)
	}
}

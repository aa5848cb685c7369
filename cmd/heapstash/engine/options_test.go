package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A migration is logged from its begin to its end.
func TestMigrationIsLogged(t *testing.T) {
	var logged bytes.Buffer
	tell := LogMigration(slog.New(slog.NewTextHandler(&logged, nil)))
	m := Migration{Path: "a.db", From: 1, To: 3, Most: 2 << 30}
	tell(m)
	m.Written, m.Took = 1<<30, 10*time.Second
	tell(m)
	m.Took, m.Done = 25*time.Second, true
	tell(m)
	lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
	for i, want := range []string{
		`msg="the archive is of an older heapstash and is migrated, whole or not at all" archive=a.db from=1 to=3 written="0 B" at_most="2.15 GB"`,
		`msg="the archive is being migrated" archive=a.db from=1 to=3 written="1.07 GB" at_most="2.15 GB" took=10s`,
		`msg="the archive is migrated" archive=a.db from=1 to=3 written="1.07 GB" at_most="2.15 GB" took=25s`,
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("logged:\n%s\nwant %s", logged.String(), want)
		}
	}
}

package lake

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed readme.md
var readmeHead string

// readme returns the text for people who find the files.
func readme() string {
	var b strings.Builder
	b.WriteString(readmeHead)
	for _, t := range layoutOf().tables {
		fmt.Fprintf(&b, "### kind=%s\n\nSorted by ", t.name)
		columns := append(t.names[:len(t.names):len(t.names)], "ts")
		if t.narrow {
			columns = append(t.names[:len(t.names):len(t.names)], "metric", "ts")
		}
		b.WriteString(strings.Join(columns, ", ") + ".")
		if len(t.labels) > 0 {
			fmt.Fprintf(&b, " The labels are also columns: %s.", strings.Join(t.labels, ", "))
		}
		b.WriteString("\n\n")
		for _, m := range t.metrics {
			if m.Unit == "" {
				continue // narrow
			}
			fmt.Fprintf(&b, "- `%s`, %s, %s: %s\n", m.Column(), m.Unit, m.Type, m.Description)
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String()) + "\n"
}

// writeReadme writes the text unless it is there.
func (l *Lake) writeReadme() (err error) {
	path, text := filepath.Join(l.dir, readmeName), readme()
	if there, err := os.ReadFile(path); err == nil && string(there) == text {
		return nil
	}
	draft := draftOf(path)
	file, err := l.create(draft)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return os.Rename(draft, path)
}

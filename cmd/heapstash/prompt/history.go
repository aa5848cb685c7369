package prompt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mostEntries is how many entries a history has at most.
const mostEntries = 1000

// history is the earlier entries, the oldest first. The file has a line for each.
type history struct {
	file    string // empty for none
	entries []string
}

// openHistory reads the history. If it cannot be read, the history is empty and is not
// written.
func openHistory(file string) *history {
	h := &history{file: file}
	if file == "" {
		return h
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.file = ""
		return h
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			h.entries = append(h.entries, line)
		}
	}
	if len(h.entries) > mostEntries {
		h.entries = h.entries[len(h.entries)-mostEntries:]
		text := strings.Join(h.entries, "\n") + "\n"
		if os.WriteFile(file, []byte(text), 0o600) != nil {
			h.file = ""
		}
	}
	return h
}

// Add does nothing: the terminal calls it with each line, and entries are whole
// statements.
func (h *history) Add(string) {}

// Len returns the number of entries.
func (h *history) Len() int { return len(h.entries) }

// At returns an entry; 0 is the newest.
func (h *history) At(i int) string { return h.entries[len(h.entries)-1-i] }

// keep adds an entry and appends it to the file. It joins the lines of an entry, unless a
// comment would then reach to its end.
func (h *history) keep(entry string) {
	entries := []string{strings.Join(strings.Fields(entry), " ")}
	lines := strings.Split(strings.TrimSpace(entry), "\n")
	switch {
	case strings.Contains(entry, "--"):
		entries = lines
	case strings.ContainsAny(entry, `'"`):
		// White space in quotes stays.
		entries = []string{strings.Join(lines, " ")}
	}
	for _, e := range entries {
		if e = strings.TrimSpace(e); e == "" || h.Len() > 0 && h.At(0) == e {
			continue
		}
		h.entries = append(h.entries, e)
		h.save(e)
	}
}

func (h *history) save(entry string) {
	if h.file == "" {
		return
	}
	err := os.MkdirAll(filepath.Dir(h.file), 0o700)
	if err == nil {
		var file *os.File
		if file, err = os.OpenFile(h.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err == nil {
			_, err = file.WriteString(entry + "\n")
			err = errors.Join(err, file.Close())
		}
	}
	if err != nil {
		h.file = "" // the history is this session's alone
	}
}

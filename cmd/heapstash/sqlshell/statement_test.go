package sqlshell

import "testing"

// Every format has a limit of rows, which --max-rows changes.
func TestRowLimit(t *testing.T) {
	for _, test := range []struct {
		format        string
		maxRows, want int
	}{
		{"table", -1, 100_000}, {"csv", -1, 10_000_000}, {"json", -1, 10_000_000},
		{"table", 0, 0}, {"csv", 0, 0}, {"json", 0, 0}, {"csv", 7, 7},
		{"markdown", -1, 100_000}, {"tsv", -1, 10_000_000}, {"json-array", -1, 10_000_000}, {"line", -1, 10_000_000},
	} {
		q := Statement{Format: test.format, MaxRows: test.maxRows}
		if got := q.rowLimit(); got != test.want {
			t.Errorf("%s, --max-rows %d: %d, want %d", test.format, test.maxRows, got, test.want)
		}
	}
}

// Commands of other prompts work here, too. They are not the begin of a statement.
func TestCutTyped(t *testing.T) {
	for typed, want := range map[string]struct {
		statement, rest string
		whole           bool
	}{
		"exit":                {".exit", "", true},
		" QUIT; ":             {".quit", "", true},
		"help\nSELECT 1;":     {".help", "SELECT 1;", true},
		".mode csv\nSELECT 1": {".mode csv", "SELECT 1", true},
		"SELECT 1\nexit":      {"SELECT 1\nexit", "", false},
		"exit code":           {"exit code", "", false},
	} {
		statement, rest, whole := cutTyped(typed)
		if statement != want.statement || rest != want.rest || whole != want.whole {
			t.Errorf("%q: %q, %q, %v; want %+v", typed, statement, rest, whole, want)
		}
	}
}

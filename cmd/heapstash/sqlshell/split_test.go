package sqlshell

import "testing"

func TestSoleStatement(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":                            "SELECT 1",
		"SELECT 1;":                           "SELECT 1",
		"SELECT 1 ; \n -- done;\n /* ; */":    "SELECT 1 ",
		"SELECT ';' ; ;":                      "SELECT ';' ",
		`SELECT 'it''s;', ";", [;], ` + "`;`": `SELECT 'it''s;', ";", [;], ` + "`;`",
		"-- first; a word\nSELECT 1;":         "-- first; a word\nSELECT 1",
		"/* a; b */ SELECT 2":                 "/* a; b */ SELECT 2",
		"SELECT 1 - -1":                       "SELECT 1 - -1",
		"SELECT 'open;":                       "SELECT 'open;",
		"SELECT 1 /* open;":                   "SELECT 1 /* open;",
	} {
		if got, err := soleStatement(text); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", " \n", ";", "-- nothing", "; SELECT 1", "SELECT 1; SELECT 2", "SELECT 1;;SELECT 2", "SELECT 1; 'x'"} {
		if got, err := soleStatement(text); err == nil {
			t.Errorf("%q: got %q and no error", text, got)
		}
	}
}

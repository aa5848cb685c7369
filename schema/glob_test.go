package schema

import "testing"

func TestGlobs(t *testing.T) {
	for _, test := range []struct {
		glob, name string
		matches    bool
	}{
		{"memory/*", "memory/usage", true},
		{"*", "network/rx_rate", true},
		{"m*e", "memory/usage", true},
		{"memory?usage", "memory/usage", true},
		{"web-[0-2]", "web-1", true},
		{"web-[^0-2]", "web-1", false},
		{"web", "web-1", false},
		{`a\*`, "a*", true},
		{`a\*`, "ab", false},
		{"a[", "a[", false},
	} {
		if got := MatchesAny([]string{"no", test.glob}, test.name); got != test.matches {
			t.Errorf("%s matches %s: %v", test.glob, test.name, got)
		}
	}
	for text, is := range map[string]bool{"": false, "a": true, "a[": false, "[a-z]*": true} {
		if IsGlob(text) != is {
			t.Errorf("%q is a glob: %v", text, !is)
		}
	}
	for _, name := range []string{`a*b?c[d]\e/f`, `\`, "plain"} {
		glob := Verbatim(name)
		if !MatchesAny([]string{glob}, name) || MatchesAny([]string{glob}, name+"x") {
			t.Errorf("%q does not stand for %q only", glob, name)
		}
	}
}

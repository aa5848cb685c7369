package install

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"heapstash/e2e/rig"
	"heapstash/internal/need"
)

var flagOrWord = regexp.MustCompile(`(--)?[a-z0-9]+(-[a-z0-9]+)*`)

// testMan: man finds the page and has nothing to warn of, and the page has
// every command and every flag that the program tells of.
func testMan(t *testing.T, m *rig.Machine) {
	got := rig.Run(t, m.As("root", "/", "LC_ALL=C.UTF-8", "MANWIDTH=100", "man", "--warnings", "heapstash"))
	if got.Code != 0 || got.Stderr != "" {
		t.Errorf("man exits %d: %s", got.Code, got.Stderr)
	}
	page := flagOrWord.FindAllString(got.Stdout, -1)
	commands := helpTerms(m.Do(t, "heapstash --help"), "Available Commands:")
	if len(commands) < 9 {
		t.Fatalf("the program tells of no more than %q", commands)
	}
	for _, command := range commands {
		help := m.Do(t, "heapstash "+command+" --help")
		_, flags, _ := strings.Cut(help, "\nFlags:\n")
		for _, word := range append(flagOrWord.FindAllString(flags, -1), command) {
			if (strings.HasPrefix(word, "--") || word == command) && !slices.Contains(page, word) {
				t.Errorf("the page lacks %s of %s", word, command)
			}
		}
	}
	if !strings.Contains(got.Stdout, "2017-07-14") {
		t.Error("the page is not of the day of SOURCE_DATE_EPOCH")
	}
}

// helpTerms returns the terms below a heading. A line that is indented by more
// than two spaces goes on with the one before.
func helpTerms(help, heading string) []string {
	_, below, _ := strings.Cut(help, heading+"\n")
	below, _, _ = strings.Cut(below, "\n\n")
	var terms []string
	for line := range strings.Lines(below) {
		if !strings.HasPrefix(line, "   ") {
			terms = append(terms, strings.Fields(line)[0])
		}
	}
	return terms
}

// testCompletion has each shell read its script.
func testCompletion(t *testing.T, m *rig.Machine) {
	scripts := map[string]string{
		"bash": "/usr/share/bash-completion/completions/heapstash",
		"zsh":  "/usr/share/zsh/site-functions/_heapstash",
		"fish": "/usr/share/fish/vendor_completions.d/heapstash.fish",
	}
	for shell, script := range scripts {
		t.Run(shell, func(t *testing.T) {
			m.Do(t, "test -s "+script)
			need.Program(t, shell)
			quiet(t, shell, m.As("root", "/", shell, "-n", script))
		})
	}
	got := rig.Run(t, m.As("root", "/", "bash", "-c", "source "+scripts["bash"]+"; complete -p heapstash"))
	if got.Code != 0 || !strings.Contains(got.Stdout, "__start_heapstash") {
		t.Errorf("bash: %+v", got)
	}
}

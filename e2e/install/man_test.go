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

// testMan: man finds the pages and has no warnings. The first page has every command,
// and each command's page has every flag of its help.
func testMan(t *testing.T, m *rig.Machine) {
	page := func(name string) []string {
		t.Helper()
		got := rig.Run(t, m.As("root", "/", "LC_ALL=C.UTF-8", "MANWIDTH=100", "man", "--warnings", name))
		if got.Code != 0 || got.Stderr != "" {
			t.Errorf("man %s exits %d: %s", name, got.Code, got.Stderr)
		}
		if !strings.Contains(got.Stdout, "Jul 2017") {
			t.Errorf("the page %s is not of the month of SOURCE_DATE_EPOCH", name)
		}
		return flagOrWord.FindAllString(got.Stdout, -1)
	}
	first := page("heapstash")
	commands := helpTerms(m.Do(t, "heapstash --help"), "Available Commands:")
	if len(commands) < 9 {
		t.Fatalf("the help has only %q", commands)
	}
	for _, command := range commands {
		if command == "help" {
			continue
		}
		if !slices.Contains(first, "heapstash-"+command) {
			t.Errorf("the page of heapstash lacks %s", command)
		}
		words := page("heapstash-" + command)
		_, flags, _ := strings.Cut(m.Do(t, "heapstash "+command+" --help"), "\nFlags:\n")
		for _, word := range flagOrWord.FindAllString(flags, -1) {
			if strings.HasPrefix(word, "--") && !slices.Contains(words, word) {
				t.Errorf("the page of %s lacks %s", command, word)
			}
		}
	}
}

// helpTerms returns the terms below a heading. A line with a larger indent continues
// the line before.
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

// testCompletion: each shell reads its script.
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

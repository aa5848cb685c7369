package docs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"heapstash/e2e/rig"
)

// documents returns the texts of the repository's Markdown files by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	return files(t, ".md")
}

// files returns the texts of the repository's files with a suffix, by path.
func files(t *testing.T, suffix string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path, err := filepath.Rel(root, name)
		hidden := strings.HasPrefix(path, ".") && path != "."
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || path == "bin"):
			return fs.SkipDir
		case entry.IsDir() || hidden || !strings.HasSuffix(path, suffix):
			return nil
		}
		text, err := os.ReadFile(name)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// prose returns a page without its code.
func prose(page string) string {
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(page, "code")
}

// TestLengths: the first pages for readers are short.
func TestLengths(t *testing.T) {
	all := documents(t)
	for path, most := range map[string]int{"README.md": 150, "ARCHITECTURE.md": 90} {
		if lines := strings.Count(all[path], "\n"); lines == 0 || lines > most {
			t.Errorf("%s has %d lines, at most %d are allowed", path, lines, most)
		}
	}
}

// TestArchitectureNamesPackages: every package of the program is in the table,
// by its path or, in a room, by its name.
func TestArchitectureNamesPackages(t *testing.T) {
	_, table, _ := strings.Cut(documents(t)["ARCHITECTURE.md"], "\n## Packages\n")
	table, _, _ = strings.Cut(table, "\n## ")
	named := make(map[string]bool)
	for _, cell := range regexp.MustCompile(`(?m)^\| ([^|]*) \|`).FindAllStringSubmatch(table, -1) {
		for _, name := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cell[1], -1) {
			named[filepath.Base(name[1])] = true
		}
	}
	for path := range files(t, ".go") {
		folder := filepath.Dir(path)
		if !strings.HasPrefix(folder, "e2e") && folder != "internal/need" && !named[filepath.Base(folder)] {
			t.Errorf("ARCHITECTURE.md does not name %s", folder)
			named[filepath.Base(folder)] = true
		}
	}
}

// TestLinks: every relative link leads to a file and to a heading in it.
func TestLinks(t *testing.T) {
	all := documents(t)
	links := 0
	for path, page := range all {
		for _, match := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(prose(page), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			links++
			name, anchor, _ := strings.Cut(match[1], "#")
			target := path
			if name != "" {
				target = filepath.Join(filepath.Dir(path), name)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if anchor != "" && !anchors(all[target])[anchor] {
				t.Errorf("%s: %s has no heading for #%s", path, target, anchor)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// anchors returns the anchors of a page's headings as GitHub makes them.
func anchors(page string) map[string]bool {
	found := make(map[string]bool)
	code := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(code, -1) {
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])] = true
	}
	return found
}

// TestPagesNameTheirReaders: every page of docs/ says first for which readers it is, and
// a first page links to it.
func TestPagesNameTheirReaders(t *testing.T) {
	all := documents(t)
	begin := all["README.md"] + all["docs/README.md"]
	for path, page := range all {
		name, is := strings.CutPrefix(path, "docs/")
		if !is {
			continue
		}
		if !regexp.MustCompile(`^# .+\n\nFor [a-z]`).MatchString(page) {
			t.Errorf("%s does not say in its first paragraph for whom it is: \"For ...\"", path)
		}
		if !strings.Contains(begin, "]("+name+")") && !strings.Contains(begin, "]("+path+")") {
			t.Errorf("%s is linked neither by README.md nor by docs/README.md", path)
		}
	}
}

// TestDocumentsNameTests: every test, fuzz target and benchmark in a document exists, in
// the package of its command.
func TestDocumentsNameTests(t *testing.T) {
	functions := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`)
	byPackage := make(map[string][]string)
	var every []string
	for path, text := range files(t, "_test.go") {
		for _, match := range functions.FindAllStringSubmatch(text, -1) {
			byPackage[filepath.Dir(path)] = append(byPackage[filepath.Dir(path)], match[1])
			every = append(every, match[1])
		}
	}
	for path, page := range documents(t) {
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(page, -1) {
			if !anyMatches(every, "^"+name) {
				t.Errorf("%s names %s, which no package has", path, name)
			}
		}
		for _, match := range regexp.MustCompile("`([a-z][a-z0-9/]*)`: ((?:(?:Test|Fuzz)\\w+(?:, )?)+)").FindAllStringSubmatch(page, -1) {
			for _, name := range strings.Split(strings.TrimSuffix(match[2], ", "), ", ") {
				if !anyMatches(byPackage[match[1]], "^"+name+"$") {
					t.Errorf("%s: %s has no test %s", path, match[1], name)
				}
			}
		}
		for _, match := range regexp.MustCompile("go test ([^`;]*)").FindAllStringSubmatch(page, -1) {
			arguments := strings.ReplaceAll(match[1], `\|`, "|")
			folder := regexp.MustCompile(`(?:^| )\.(/[\w/]+)?(?: |$)`).FindStringSubmatch(arguments)
			if folder == nil {
				continue // it is about all packages
			}
			in := filepath.Join(folder[1])
			if strings.Contains(arguments, "-C e2e") || folder[1] == "/torture" {
				in = filepath.Join("e2e", in)
			}
			in = strings.TrimPrefix(in, "/")
			if len(byPackage[in]) == 0 {
				t.Errorf("%s: go test %s: %s has no tests", path, arguments, in)
			}
			for _, run := range regexp.MustCompile(`-(?:run|fuzz|bench) '?([^' ]+)`).FindAllStringSubmatch(arguments, -1) {
				if run[1] != "^$" && run[1] != "." && !anyMatches(byPackage[in], run[1]) {
					t.Errorf("%s: go test %s: %s has no test %s", path, arguments, in, run[1])
				}
			}
		}
	}
}

func anyMatches(names []string, pattern string) bool {
	expression := regexp.MustCompile(pattern)
	for _, name := range names {
		if expression.MatchString(name) {
			return true
		}
	}
	return false
}

// TestREADMEsChart: the README's question gives the README's output on the archive of
// the cookbook.
func TestREADMEsChart(t *testing.T) {
	heapstash, err := rig.BuildHeapstash()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "README.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Ask it\n")
	question, _ := block(section, "sh")
	want, is := block(section, "output")
	if !is {
		t.Fatal("there is no output")
	}
	asked := strings.Replace(question, "--since 30d", "--since "+end.AddDate(0, 0, -30).Format("2006-01-02")+" --until "+end.Format("2006-01-02"), 1)
	command := exec.Command("sh", "-euc", asked)
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(heapstash)+":"+os.Getenv("PATH"), "HEAPSTASH_DB_FILE="+archived(t), "HEAPSTASH_CLUSTER_NAME=year")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := trimmed(string(out))
	if *update {
		text = []byte(strings.Replace(string(text), want, got, 1))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("the README says\n%s\n\nand it gives\n%s", want, got)
	}
}

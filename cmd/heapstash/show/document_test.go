package show

import (
	"strings"
	"testing"
)

const list = `A text that goes on
in a second line.

Words:
  avg, min   of a gauge; it has
      two lines
  last       of a counter
  - a point that
    goes on
The end.
`

func TestDocument(t *testing.T) {
	const want = `A text that goes on in a
second line.

Words:
  avg, min   of a gauge; it
             has two lines
  last       of a counter
  - a point that goes on
The end.
`
	if got := Document(30, list); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for width := 1; width < 100; width++ {
		words := strings.Fields(Document(width, list))
		if got, want := strings.Join(words, " "), strings.Join(strings.Fields(list), " "); got != want {
			t.Errorf("at %d columns, words are lost: %q", width, got)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		width            int
		first, text, out string
	}{
		{0, "hint: ", "a line is whole in a pipe", "hint: a line is whole in a pipe\n"},
		{24, "hint: ", "say `heapstash status` and wait", "hint: say\n      `heapstash status`\n      and wait\n"},
		{24, "hint: ", "two\nlines", "hint: two\n      lines\n"},
		{24, "", "/a/word/that/is/longer/than/the/line stays", "/a/word/that/is/longer/than/the/line\nstays\n"},
		{30, "\x1b[31mfault\x1b[0m  ", "colours take no columns at all", "\x1b[31mfault\x1b[0m  colours take no columns\n       at all\n"},
	} {
		if got := Wrap(c.width, c.first, c.text); got != c.out {
			t.Errorf("%d columns: got %q, want %q", c.width, got, c.out)
		}
	}
}

func TestCommands(t *testing.T) {
	const long = "  heapstash query cpu/usage_rate --pod 'a b' --since 30d    # of a month\n"
	const want = "  # of a month\n  heapstash query \\\n    cpu/usage_rate --pod \\\n    'a b' --since 30d\n"
	if got := Commands(28, long); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Commands(0, long); got != long {
		t.Errorf("unlimited, got %q", got)
	}
}

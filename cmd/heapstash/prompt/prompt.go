// Package prompt reads statements at a terminal: with line editing, a history,
// completion, and a Ctrl-C that ends a statement and not the program. The line
// editor is golang.org/x/term's. The package does not know the language of the
// statements.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Session is a prompt. Run calls all functions from its own goroutine.
type Session struct {
	// Prompt stands before a statement's first line, More before the others.
	Prompt, More string
	// History is the file of earlier statements; empty for none.
	History string
	// Cut cuts the first statement off a text. whole is false if the text has only
	// the begin of a statement.
	Cut func(text string) (statement, rest string, whole bool)
	// Execute runs a statement and prints its result or its error. It returns false
	// to leave the prompt. Ctrl-C cancels ctx.
	Execute func(ctx context.Context, out io.Writer, statement string) bool
	// Complete returns all words that begin with the last word before the cursor,
	// and the length of that last word in bytes.
	Complete func(before, after string) (words []string, typed int)
}

// Input is the terminal's keyboard.
type Input interface {
	io.Reader
	Fd() uintptr
}

// Output is the terminal's screen.
type Output interface {
	io.Writer
	Fd() uintptr
}

// Run reads statements until the input ends or Execute returns false. Meanwhile, the
// terminal is in raw mode. The error is ctx's or the terminal's.
func (s Session) Run(ctx context.Context, in Input, out Output) error {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer term.Restore(int(in.Fd()), before)
	keys := listen(ctx, in)
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, out}, s.Prompt)
	// A tab in pasted text does not complete a word.
	t.SetBracketedPasteMode(true)
	defer t.SetBracketedPasteMode(false)
	past := openHistory(s.History)
	t.History = past
	var begun string // of a statement
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos = s.complete(t, begun, line, pos)
		return line, pos, true
	}
	for {
		if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 {
			if err := t.SetSize(width, height); err != nil {
				return err
			}
		}
		t.SetPrompt(s.Prompt)
		if begun != "" {
			t.SetPrompt(s.More)
		}
		keys.abandoned = false
		line, err := t.ReadLine()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			_, err := fmt.Fprintln(t)
			return err
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return err
		case keys.abandoned:
			begun = ""
			continue
		}
		text := begun + line + "\n"
		for {
			statement, rest, whole := s.Cut(text)
			if !whole {
				begun = strings.TrimLeft(text, " \t\n")
				break
			}
			past.keep(text[:len(text)-len(rest)])
			again := true
			keys.during(func(ctx context.Context) { again = s.Execute(ctx, t, statement) })
			if !again || ctx.Err() != nil {
				return ctx.Err()
			}
			text = rest
		}
	}
}

// complete completes the word before the cursor as far as all words agree. If they do not
// agree on a letter, it lists them.
func (s Session) complete(out io.Writer, begun, line string, pos int) (string, int) {
	words, typed := s.Complete(begun+line[:pos], line[pos:])
	if len(words) == 0 {
		return line, pos
	}
	word := line[pos-typed : pos]
	longest := words[0]
	for _, other := range words[1:] {
		longest = common(longest, other)
	}
	switch {
	case len(words) == 1:
		longest += " "
		line = line[:pos] + strings.TrimPrefix(line[pos:], " ")
	case len(longest) <= len(word):
		list(out, words)
		return line, pos
	}
	begin := line[:pos-typed] + longest
	return begin + line[pos:], len(begin)
}

// common returns the longest common prefix of two words, ignoring case, as in the first
// word.
func common(a, b string) string {
	end := 0
	for i, r := range a {
		size := utf8.RuneLen(r)
		if i+size > len(b) || !strings.EqualFold(a[i:i+size], b[i:i+size]) {
			break
		}
		end = i + size
	}
	return a[:end]
}

// listed is how many words are listed at most.
const listed = 60

// list prints words in columns of 80 characters.
func list(out io.Writer, words []string) {
	more := len(words) - listed
	if more > 0 {
		words = words[:listed]
	}
	widest := 0
	for _, word := range words {
		widest = max(widest, len(word)+2)
	}
	columns := max(80/widest, 1)
	var text strings.Builder
	for i, word := range words {
		if text.WriteString(word); (i+1)%columns == 0 || i == len(words)-1 {
			text.WriteByte('\n')
		} else {
			text.WriteString(strings.Repeat(" ", widest-len(word)))
		}
	}
	if more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	io.WriteString(out, text.String())
}

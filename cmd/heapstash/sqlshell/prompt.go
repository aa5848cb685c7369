package sqlshell

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/prompt"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// dotCommands are the commands of the prompt, with their help.
var dotCommands = [][2]string{
	{".help", "list these commands"},
	{".mode [FORMAT]", "print rows in this format, or say which one is in use: " + strings.Join(show.RowFormats, ", ")},
	{".quit", "leave; so does Ctrl-D"},
	{".schema [VIEW...]", "list views, by globs, with their columns, units and meanings"},
	{".tables", "list the views, and what a row is"},
}

// sqlPrompt runs statements and commands that are typed.
type sqlPrompt struct {
	Statement
	path  string
	views []engine.View // for completion
	names []string      // of functions
}

// Terminal returns the streams as a terminal, if both are one.
func Terminal(in io.Reader, out io.Writer) (prompt.Input, prompt.Output, bool) {
	if !show.IsTerminal(in) || !show.IsTerminal(out) {
		return nil, nil, false
	}
	keyboard, typed := in.(prompt.Input)
	screen, shown := out.(prompt.Output)
	return keyboard, screen, typed && shown
}

// Converse reads statements at a terminal and runs them.
func (q Statement) Converse(ctx context.Context, in prompt.Input, out prompt.Output, path string) error {
	if _, err := show.NewRowWriter(q.Format, io.Discard); err != nil {
		return err
	}
	p := &sqlPrompt{Statement: q, path: path}
	reader, err := engine.ReadFile(ctx, path)
	if err != nil {
		return err
	}
	p.views, err = reader.Views(ctx, false)
	if err == nil {
		p.names, err = reader.Functions(ctx)
	}
	reader.Close() // read only
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, open for reading. A statement ends with a semicolon; .help lists what else there is.\n", path)
	return prompt.Session{
		Prompt: "heapstash> ", More: "      ...> ",
		History:  stateFile("sql_history"),
		Cut:      cutTyped,
		Execute:  p.execute,
		Complete: p.complete,
	}.Run(ctx, in, out)
}

// bareCommands are commands that also work without the dot, as at other prompts. No
// statement begins with such a line.
var bareCommands = []string{"exit", "quit", "help"}

// cutTyped cuts the first statement, or command, off the typed text.
func cutTyped(text string) (statement, rest string, whole bool) {
	_, begin := cutBlank(text)
	if strings.HasPrefix(begin, ".") {
		line, rest, _ := strings.Cut(begin, "\n")
		return line, rest, true
	}
	line, rest, _ := strings.Cut(begin, "\n")
	if word := strings.ToLower(strings.TrimRight(line, "; \t")); slices.Contains(bareCommands, word) {
		return "." + word, rest, true
	}
	statement, rest = cutStatement(text)
	return statement, rest, len(statement) < len(text)
}

// execute runs a statement or a dot command.
func (p *sqlPrompt) execute(ctx context.Context, out io.Writer, text string) bool {
	_, text = cutBlank(text)
	if text == "" {
		return true
	}
	var err error
	if strings.HasPrefix(text, ".") {
		words := strings.Fields(text)
		if slices.Contains([]string{".quit", ".exit"}, words[0]) {
			return false
		}
		err = p.command(ctx, out, words[0], words[1:])
	} else {
		err = p.Run(ctx, out, p.path, text)
	}
	if err != nil && ctx.Err() != nil {
		err = show.ErrInterrupted
	}
	show.Error(out, err)
	return true
}

func (p *sqlPrompt) command(ctx context.Context, out io.Writer, name string, args []string) error {
	switch name {
	case ".help":
		for _, c := range dotCommands {
			fmt.Fprintf(out, "%-19s%s\n", c[0], c[1])
		}
		return nil
	case ".mode":
		if len(args) == 0 {
			fmt.Fprintln(out, p.Format)
			return nil
		}
		if _, err := show.NewRowWriter(args[0], io.Discard); err != nil {
			return err
		}
		p.Format = args[0]
		return nil
	case ".schema":
		return Listing{p.Format, false, args}.Run(ctx, out, p.path)
	case ".tables":
		rows, err := show.NewRowWriter(p.Format, out)
		if err != nil {
			return err
		}
		if err := rows.Begin([]string{"view", "row"}); err != nil {
			return err
		}
		for _, v := range p.views {
			if err := rows.Row([]any{v.Name, show.OrNull(v.Meaning)}); err != nil {
				return err
			}
		}
		return rows.End()
	}
	return schema.WithHint(fmt.Errorf("no command %s", name), guess.DidYouMean(name, dotNames(), ".help lists the commands"))
}

// dotNames returns the commands without their arguments.
func dotNames() []string {
	var names []string
	for _, c := range dotCommands {
		name, _, _ := strings.Cut(c[0], " ")
		names = append(names, name)
	}
	return append(names, ".exit")
}

// stateFile returns the path of a file of the user's state, as the XDG base directory
// specification has it; empty if there is no such directory.
func stateFile(name string) string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "heapstash", name)
}

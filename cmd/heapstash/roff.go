package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/show"
)

// roff is a manual page in the making, in the man macros.
type roff struct{ strings.Builder }

// literal escapes what roff would read as its own or typeset as another
// character, so that commands can be copied from the page.
var literal = strings.NewReplacer(
	`\`, `\e`, "-", `\-`, `"`, `\(dq`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`,
)

// marked is a command in a text.
var marked = regexp.MustCompile("`([^`]*)`")

func inline(text string) string {
	return marked.ReplaceAllString(literal.Replace(text), `\fB$1\fR`)
}

// macro writes a request with its arguments.
func (p *roff) macro(name string, args ...string) {
	fmt.Fprintf(p, ".%s", name)
	for _, a := range args {
		fmt.Fprintf(p, ` "%s"`, literal.Replace(a))
	}
	p.WriteByte('\n')
}

// line writes a line of text; \& keeps a first dot from being a request.
func (p *roff) line(escaped string) {
	if strings.HasPrefix(escaped, ".") {
		p.WriteString(`\&`)
	}
	fmt.Fprintln(p, escaped)
}

// text writes paragraphs, which blank lines separate, and lists.
func (p *roff) text(text string) {
	for _, b := range show.Blocks(text) {
		switch {
		case b.Indent > 0 && b.Term == "-":
			p.macro("IP", "-", "2")
			p.line(inline(b.Text))
		case b.Indent > 0 && b.Term != "":
			p.item(b.Term, b.Text)
		case b.Indent > 0:
			p.macro("IP")
			p.line(inline(b.Text))
		default:
			p.macro("PP")
			p.line(inline(b.Text))
		}
	}
}

// code writes lines as they are.
func (p *roff) code(text string) {
	p.macro("PP")
	p.macro("nf")
	for line := range strings.Lines(text) {
		p.line(literal.Replace(strings.TrimRight(line, "\n")))
	}
	p.macro("fi")
}

// item writes a term and, indented below it, what it means.
func (p *roff) item(term, meaning string) {
	p.macro("TP")
	p.line(inline(term))
	p.line(inline(meaning))
}

// flag writes a flag as an item.
func (p *roff) flag(f *pflag.Flag) {
	kind, usage := pflag.UnquoteUsage(f)
	term := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		term = "`-" + f.Shorthand + "`, " + term
	}
	if kind != "" {
		term += " " + strings.ToUpper(kind)
	}
	if !slices.Contains([]string{"", "false", "0", "0s", "[]"}, f.DefValue) {
		usage += " (default " + strings.Trim(f.DefValue, "[]") + ")"
	}
	p.item(term, usage)
}

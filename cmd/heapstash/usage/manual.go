package usage

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"heapstash/cmd/heapstash/show"
)

// Manual makes the manual pages of commands, a page a command.
type Manual struct {
	Version  string
	Date     time.Time
	Sections [][2]string // of the root's page: titles and texts
}

// Page returns the manual page of a command, as man reads it.
func (m Manual) Page(cmd *cobra.Command) (string, error) {
	own := *cmd
	own.DisableAutoGenTag = true
	own.Long = markdown(own.Long)
	own.Short = strings.ToLower(own.Short[:1]) + own.Short[1:]
	if !own.HasParent() {
		for _, s := range m.Sections {
			own.Long += "\n# " + s[0] + "\n" + markdown(s[1])
		}
	}
	var page bytes.Buffer
	err := doc.GenMan(&own, &doc.GenManHeader{
		Section: "1", Date: &m.Date, Source: "heapstash " + m.Version, Manual: "User Commands",
	}, &page)
	var out strings.Builder
	for line := range strings.Lines(page.String()) {
		if !strings.HasPrefix(line, ".") {
			line = strings.ReplaceAll(line, "-", `\-`) // a minus sign, to be copied
		}
		out.WriteString(line)
		if strings.HasPrefix(line, ".TH ") {
			out.WriteString(".nh\n") // a title switches hyphenation on: names of commands would be cut
		}
	}
	return out.String(), err
}

// WriteAll writes the pages of a command and of all commands below it to a
// directory.
func (m Manual) WriteAll(directory string, cmd *cobra.Command) error {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			if err := m.WriteAll(directory, sub); err != nil {
				return err
			}
		}
	}
	page, err := m.Page(cmd)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"), []byte(page), 0o644)
}

// marks are the characters that mean something in Markdown.
var marks = regexp.MustCompile(`[*_<>\[\]\\#|~]`)

// markdown converts a text of [show.Blocks] to Markdown. An item becomes a term with a
// definition, or a point of a list.
func markdown(text string) string {
	var out strings.Builder
	points := false // the block before is a point
	for _, b := range show.Blocks(text) {
		body := marks.ReplaceAllString(b.Text, `\$0`)
		switch {
		case b.Term == "-" && points:
			out.WriteString("- " + body + "\n")
		case b.Term == "-":
			out.WriteString("\n- " + body + "\n")
		case b.Term != "":
			out.WriteString("\n" + marks.ReplaceAllString(b.Term, `\$0`) + "\n: " + body + "\n")
		default:
			out.WriteString("\n" + body + "\n")
		}
		points = b.Term == "-"
	}
	return out.String()
}

// Package usage explains commands: it prints their help and their manual pages, and
// explains what is wrong with a command line.
package usage

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/show"
)

// widestHelp is the greatest width of a help text.
const widestHelp = 100

// Help prints the help of a command. Unlike other output, it is also wrapped in a file.
func Help(w io.Writer, cmd *cobra.Command) error {
	width := min(cmp.Or(show.Width(w), show.UsualWidth), widestHelp)
	var text strings.Builder
	what := cmd.Long
	if what == "" {
		what = cmd.Short + "."
	}
	text.WriteString(show.Document(width, what))

	text.WriteString("\nUsage:\n")
	if cmd.Runnable() {
		text.WriteString(show.WrapHanging(width, "  ", 4, cmd.UseLine()))
	}
	if cmd.HasAvailableSubCommands() {
		text.WriteString(show.WrapHanging(width, "  ", 4, cmd.CommandPath()+" [command]"))
		text.WriteString("\nAvailable Commands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				text.WriteString(show.Wrap(width, fmt.Sprintf("  %-*s ", sub.NamePadding(), sub.Name()), sub.Short))
			}
		}
	}
	if cmd.HasExample() {
		text.WriteString("\nExamples:\n" + show.Commands(width, cmd.Example))
	}
	flagHelp(&text, width, "Flags", cmd.LocalFlags())
	flagHelp(&text, width, "Global Flags", cmd.InheritedFlags())
	if cmd.HasAvailableSubCommands() {
		text.WriteString("\n" + show.Wrap(width, "", fmt.Sprintf("`%s [command] --help` explains a command.", cmd.CommandPath())))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// flagHelp adds the help of flags, if there are any.
func flagHelp(text *strings.Builder, width int, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(text, "\n%s:\n", title)
	hang := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			hang = max(hang, len(flagTerm(f))+3)
		}
	})
	below := hang > width/2 // the meaning stands below the flag
	if below {
		hang = 10
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		first := fmt.Sprintf("%-*s", hang, flagTerm(f))
		if below {
			fmt.Fprintln(text, flagTerm(f))
			first = strings.Repeat(" ", hang)
		}
		text.WriteString(show.WrapHanging(width, first, hang, flagMeaning(f)))
	})
}

// flagTerm returns how a flag is written: "  -n, --namespace strings".
func flagTerm(f *pflag.Flag) string {
	term := "      --" + f.Name
	if f.Shorthand != "" {
		term = "  -" + f.Shorthand + ", --" + f.Name
	}
	if kind, _ := pflag.UnquoteUsage(f); kind != "" && f.Value.Type() != "bool" {
		term += " " + kind
	}
	return term
}

// flagMeaning returns the help of a flag, with its default.
func flagMeaning(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	switch standard := strings.Trim(f.DefValue, "[]"); standard {
	case "", "false", "0", "0s":
		return usage
	default:
		if f.Value.Type() == "string" {
			standard = strconv.Quote(standard)
		}
		return usage + " (default " + standard + ")"
	}
}

package usage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/guess"
	"heapstash/schema"
)

// Error adds a hint to an error in how a command was called: its help, and the flag that
// was meant.
func Error(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			hint = "did you mean --" + near + "? " + hint
		}
	}
	return schema.WithHint(err, hint)
}

// nearestFlag returns the flag of the command that a misspelt name most likely means,
// empty if none is near.
func nearestFlag(cmd *cobra.Command, misspelt string) string {
	if len(misspelt) < 2 {
		return ""
	}
	var names []string
	add := func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	}
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	if near := guess.Nearest(misspelt, names); near != "" {
		return near
	}
	if longer := guess.Prefixed(names, misspelt+"-"); len(longer) == 1 {
		return longer[0]
	}
	return ""
}

// NoArguments refuses arguments, and names the flag that an argument may mean.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%s takes no arguments, and there is %q", cmd.Name(), args[0])
	for _, name := range strings.FieldsFunc(args[0], func(r rune) bool { return r == '-' }) {
		if f := cmd.Flags().Lookup(name); f != nil && f.Name == strings.TrimLeft(args[0], "-") {
			return schema.WithHint(err, "did you mean --"+name+"?")
		}
	}
	return err
}

// KnownCommand refuses an unknown command, and names the nearest one.
func KnownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := nearCommands(cmd, args[0]); near != "" {
		return schema.WithHint(err, "did you mean "+near+"?")
	}
	return Error(cmd, err)
}

// nearCommands returns the commands below cmd that a name may mean.
func nearCommands(cmd *cobra.Command, name string) string {
	var near []string
	cmd.SuggestionsMinimumDistance = 2
	for _, sub := range cmd.SuggestionsFor(name) {
		near = append(near, "`"+cmd.CommandPath()+" "+sub+"`")
	}
	return strings.Join(near, " or ")
}

// Explained adds the hint of [Error] to the errors of args.
func Explained(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		err := args(cmd, given)
		if err == nil {
			return nil
		}
		if schema.HintOf(err) != "" {
			return err
		}
		return Error(cmd, err)
	}
}

// Unheeded are global flags that some commands do not use. Such a command refuses them,
// as they would do nothing.
var Unheeded = map[string][]string{
	"demo":       {"config", "cluster-name"},
	"schema":     {"config", "cluster-name", "db-file", "archive"},
	"version":    {"config", "cluster-name", "db-file", "archive"},
	"man":        {"config", "cluster-name", "db-file", "archive"},
	"completion": {"config", "cluster-name", "db-file", "archive"},
}

// RefuseUnheeded returns an error for a flag that the command does not use.
func RefuseUnheeded(cmd *cobra.Command) error {
	for _, name := range Unheeded[TopCommand(cmd)] {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			return Error(cmd, fmt.Errorf("--%s %s: %s does not read it", name, f.Value, TopCommand(cmd)))
		}
	}
	return nil
}

// TopCommand returns the name of the root's command that cmd is, or belongs to.
func TopCommand(cmd *cobra.Command) string {
	for cmd.HasParent() && cmd.Parent().HasParent() {
		cmd = cmd.Parent()
	}
	return cmd.Name()
}

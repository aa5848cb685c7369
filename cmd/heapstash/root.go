package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"heapstash/schema"
)

// The exit codes. Go itself keeps 2 for a panic.
const (
	exitDone        = 0
	exitFailed      = 1
	exitHoles       = 3   // the pass finished, and something is missing
	exitNoArchive   = 10  // no archive there, not one of ours, or from a newer heapstash
	exitLocked      = 11  // another writer holds the archive
	exitInterrupted = 130 // as a shell reports SIGINT
)

// errInterrupted is what a signal makes of the error that it caused.
var errInterrupted = errors.New("interrupted")

// streams are the process's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// execute runs one command line and returns the exit code. It is the whole
// program but for the process around it: the first SIGINT or SIGTERM cancels
// the command, the second one kills the process.
func execute(ctx context.Context, args []string, std streams) int {
	tuneMemory()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRootCommand(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	report(std.err, err)
	return exitCode(err)
}

func newRootCommand(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "heapstash",
		Short: "Archive what Heapster forgets",
		Long: "heapstash reads a cluster's metrics from Heapster's model API, which forgets them\n" +
			"after two to fifteen minutes, and keeps them in a SQLite file for as long as you like.",
		Version:       buildInfo().Version,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetVersionTemplate("heapstash {{.Version}}\n")
	root.SetFlagErrorFunc(usageError)
	root.PersistentFlags().Var(&configFlag{stderr: std.err}, "config",
		"file with settings in YAML (default $XDG_CONFIG_HOME/heapstash/config.yaml, else "+systemConfig+"; '' for none)")
	addSettings(root.PersistentFlags(), commonFlags)

	root.AddCommand(
		newCollectCommand(),
		newRunCommand(),
		newQueryCommand(),
		newSQLCommand(),
		newExportCommand(),
		newSnapshotCommand(),
		newCompactCommand(),
		newPruneCommand(),
		newStatusCommand(),
		newDoctorCommand(),
		newCheckCommand(),
		newSchemaCommand(),
		newDemoCommand(),
		newVersionCommand(),
		newManCommand(),
	)
	for _, cmd := range root.Commands() {
		if cmd.Args == nil {
			cmd.Args = cobra.NoArgs
		}
		cmd.Args = explained(cmd.Args)
		completeFlags(cmd)
	}
	completeFlags(root)
	return root
}

// knownCommand refuses what no command of the root took, and suggests the
// nearest one.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hinted{err, "did you mean `heapstash " + strings.Join(near, "` or `heapstash ") + "`?"}
	}
	return usageError(cmd, err)
}

// explained adds the hint of a usage error to what args refuses.
func explained(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return usageError(cmd, err)
		}
		return nil
	}
}

func usageError(cmd *cobra.Command, err error) error {
	return hinted{err, fmt.Sprintf("see `%s --help`", cmd.CommandPath())}
}

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

// Hint returns what to do about the error, for people.
func (h hinted) Hint() string { return h.hint }

func (h hinted) Unwrap() error { return h.error }

// hinter is what errors of every package may implement.
type hinter interface {
	error
	Hint() string
}

// report writes the error for people: its message, and its hint if it has
// one, a prefix before each line.
func report(w io.Writer, err error) {
	if err == nil {
		return
	}
	lines(w, "heapstash: ", err.Error())
	if h, ok := errors.AsType[hinter](err); ok && h.Hint() != "" {
		lines(w, "hint: ", h.Hint())
	}
}

func lines(w io.Writer, prefix, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "%s%s\n", prefix, strings.TrimRight(line, "\n"))
	}
}

func exitCode(err error) int {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
		return exitDone
	case is(errInterrupted):
		return exitInterrupted
	case is(errHoles):
		return exitHoles
	case is(schema.ErrNoArchive), is(schema.ErrNotArchive), is(schema.ErrOtherArchive), is(schema.ErrNewerArchive):
		return exitNoArchive
	case is(schema.ErrLocked):
		return exitLocked
	default:
		return exitFailed
	}
}

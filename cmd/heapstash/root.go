package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"heapstash/archive"
	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/passes"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

// The exit codes. Go itself keeps 2 for a panic.
const (
	exitDone        = 0
	exitFailed      = 1
	exitHoles       = 3   // the pass finished, and something is missing
	exitNoArchive   = 10  // no archive, another file, or an archive of a newer heapstash
	exitLocked      = 11  // another writer holds the archive's lock
	exitInterrupted = 130 // as a shell reports SIGINT
)

// streams are the process's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// execute runs one command line and returns the exit code. The first SIGINT or
// SIGTERM cancels the command, the second one kills the process.
func execute(ctx context.Context, args []string, std streams) int {
	tuneMemory()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	out := &show.Output{Writer: std.out}
	root := newRootCommand(streams{std.in, out.Stream(), std.err})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.Err
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = show.ErrInterrupted
	}
	show.Error(std.err, err)
	return exitCode(err)
}

func newRootCommand(std streams) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "heapstash",
		Short: "Archive what Heapster forgets",
		Long: "heapstash reads a cluster's metrics from Heapster's model API, which forgets them\n" +
			"after two to fifteen minutes, and keeps them in a SQLite file for as long as you like.",
		Args: usage.KnownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !version {
				return cmd.Help()
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "heapstash %s\n", build.Info().Version)
			return err
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return nil
			}
			if err := usage.RefuseUnheeded(cmd); err != nil {
				return err
			}
			if _, none := usage.Unheeded[usage.TopCommand(cmd)]; none || cmd.Hidden || usage.TopCommand(cmd) == "help" {
				return nil
			}
			return config.CheckEnvironment(cmd.ErrOrStderr())
		},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	// cobra's templates would link every method of every type into the program: a fifth
	// of it, and 6 MB of memory.
	root.Flags().BoolVarP(&version, "version", "v", false, "version for heapstash")
	root.SetFlagErrorFunc(usage.Error)
	root.PersistentFlags().String("config", "",
		"file with settings in YAML (default $XDG_CONFIG_HOME/heapstash/config.yaml, else "+config.SystemFile+"; '' for none)")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { usage.Help(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { return usage.Help(cmd.OutOrStderr(), cmd) })
	root.SetHelpCommand(newHelpCommand())
	config.AddFlags(root.PersistentFlags(), config.CommonFlags)

	root.AddCommand(
		newCollectCommand(),
		newRunCommand(),
		newQueryCommand(),
		newTopCommand(),
		newReportCommand(),
		newSQLCommand(),
		newExportCommand(),
		newSnapshotCommand(),
		newCopyCommand(),
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
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch {
		case cmd.HasSubCommands():
			cmd.Args, cmd.RunE = usage.KnownCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case cmd.Args == nil:
			cmd.Args = usage.NoArguments
		}
		cmd.Args = usage.Explained(cmd.Args)
		complete.Flags(cmd)
	}
	complete.Flags(root)
	return root
}

// withConfig returns the RunE of a command that reads the settings.
func withConfig(run func(cmd *cobra.Command, cfg config.Config, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := config.Load(cmd.Flags(), cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		return run(cmd, cfg, args)
	}
}

// fileCommands are the commands that only an SQLite archive has, and how an archive in
// ClickHouse does the same.
var fileCommands = map[string]string{
	"sql":      "clickhouse-client, and every program that speaks to ClickHouse, reads views of the same names",
	"snapshot": "`heapstash copy` copies it to a file; ClickHouse has its own BACKUP",
	"compact":  "ClickHouse merges its parts itself",
	"prune":    "passes drop what archive.retention does not keep",
	"check":    "ClickHouse checks its parts itself (CHECK TABLE); `heapstash copy` compares two archives",
}

// withFile is [withConfig] for one of the [fileCommands].
func withFile(run func(cmd *cobra.Command, cfg config.Config, args []string) error) func(*cobra.Command, []string) error {
	return withConfig(func(cmd *cobra.Command, cfg config.Config, args []string) error {
		if cfg.Archive.URL != "" {
			return schema.WithHint(fmt.Errorf("%s needs an SQLite file, and the archive is %s", cmd.Name(), engine.Name(cfg)), fileCommands[cmd.Name()])
		}
		return run(cmd, cfg, args)
	})
}

// printResult prints the result of a command as JSON, or as print does.
func printResult(cmd *cobra.Command, asJSON bool, result any, print func(io.Writer) error) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(result)
	}
	return print(cmd.OutOrStdout())
}

// tuneMemory uses less memory and a little more time than Go does by itself, because
// heapstash shares its host. The limit is soft. GOGC and GOMEMLIMIT take precedence.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(180 << 20)
	}
}

func exitCode(err error) int {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
		return exitDone
	case is(show.ErrInterrupted):
		return exitInterrupted
	case is(passes.ErrHoles):
		return exitHoles
	case is(archive.ErrNoArchive), is(archive.ErrNotArchive), is(archive.ErrOtherArchive), is(archive.ErrNewerArchive):
		return exitNoArchive
	case is(archive.ErrLocked):
		return exitLocked
	default:
		return exitFailed
	}
}

package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/config"
)

// The sections of the manual page that no command knows.
const (
	manSettings = `A setting comes from its flag, else from its environment variable, else from the file that --config or
HEAPSTASH_CONFIG names, else from its default. Its name is always the same one: --db-file is the variable
HEAPSTASH_DB_FILE and, in the file, the key db_file. A misspelt key is an error. config.example.yaml, in heapstash's
documentation, explains every setting.

KUBECONFIG, HTTPS_PROXY and NO_PROXY mean what they mean to kubectl.`

	manArchive = `The archive is an SQLite database in WAL mode: FILE, with FILE-wal and FILE-shm, and FILE.lock, by which the kernel lets
one writer in. It wants a local disk; on others it has a rollback journal, and passes and readers wait for one another.
Any SQLite tool reads it; the views are documented in archive/FORMAT.md.`
)

var manExits = map[int]string{
	exitDone:        "Done.",
	exitFailed:      "Failed; standard error says why, and what to do. Of doctor: it found a fault.",
	exitHoles:       "The pass finished, and something is missing. What was read is stored. --partial-ok makes it 0.",
	exitNoArchive:   "There is no archive, or it is not one of heapstash's, or it is a newer heapstash's. Nothing was touched.",
	exitLocked:      "Another writer holds the archive.",
	exitInterrupted: "Interrupted.",
}

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "Print the manual page, as man reads it",
		Hidden: true, // it is for those who package heapstash
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), manPage(cmd.Root(), manDate()))
			return err
		},
	}
}

// manDate is the day of SOURCE_DATE_EPOCH, else of the revision, and empty
// where neither is known: never today, so that one source gives one page.
func manDate() string {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC().Format(time.DateOnly)
	}
	day, _, _ := strings.Cut(build.Info().Time, "T")
	return day
}

// manPage returns heapstash(1): one page of all commands, in which a flag
// that several of them share stands once.
func manPage(root *cobra.Command, date string) string {
	var p roff
	p.macro("TH", "HEAPSTASH", "1", date, "heapstash "+root.Version, "User Commands")
	p.macro("nh") // a hyphen at a line's end could be one of the command's
	p.macro("SH", "NAME")
	p.text(root.Name() + " - " + strings.ToLower(root.Short[:1]) + root.Short[1:])
	p.macro("SH", "SYNOPSIS")
	p.text("`" + root.Name() + "` COMMAND [OPTION]...")
	p.macro("SH", "DESCRIPTION")
	p.text(root.Long)
	p.text("`heapstash demo` shows all of it without a cluster, and `heapstash doctor` says what is wrong with one.")

	groups := []*flagGroup{
		newFlagGroup("The way in to Heapster", config.AccessFlags),
		newFlagGroup("What a pass archives", config.PassFlags),
	}
	p.macro("SH", "COMMANDS")
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() {
			manCommand(&p, cmd, groups)
		}
	}
	p.macro("SH", "OPTIONS")
	p.macro("SS", "Common options")
	root.PersistentFlags().VisitAll(p.flag)
	p.item("`-h`, `--help`", "explain the command")
	for _, g := range groups {
		p.macro("SS", g.title)
		p.text("Options of " + strings.Join(g.users, ", ") + ".")
		g.flags.VisitAll(p.flag)
	}

	p.macro("SH", "EXIT STATUS")
	for _, code := range slices.Sorted(maps.Keys(manExits)) {
		p.item(strconv.Itoa(code), manExits[code])
	}
	p.macro("SH", "ENVIRONMENT")
	p.text(manSettings)
	p.macro("SH", "FILES")
	p.text(manArchive)
	p.macro("SH", "SEE ALSO")
	p.text("`sqlite3`(1), `crontab`(5), `systemd.timer`(5)")
	return p.String()
}

// manCommand writes what belongs to one command, and enters it where it shares
// a group of flags.
func manCommand(p *roff, cmd *cobra.Command, groups []*flagGroup) {
	p.macro("SS", cmd.CommandPath())
	p.text(cmd.Short + ".")
	if cmd.Long != "" {
		p.text(cmd.Long)
	}
	for _, sub := range cmd.Commands() {
		p.item("`"+sub.Name()+"`", sub.Short+".")
	}
	var shared []string
	for _, g := range groups {
		if g.has(cmd) {
			g.users = append(g.users, cmd.Name())
			shared = append(shared, "`"+g.title+"`")
		}
	}
	if len(shared) > 0 {
		p.text("Options: those of " + strings.Join(shared, " and ") + " below, and:")
	}
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		isShared := func(g *flagGroup) bool { return g.has(cmd) && g.flags.Lookup(f.Name) != nil }
		if f.Name != "help" && !slices.ContainsFunc(groups, isShared) {
			p.flag(f)
		}
	})
	if cmd.Example != "" {
		p.text("Examples:")
		p.code(cmd.Example)
	}
}

// flagGroup is settings that several commands have.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
	users []string // the commands
}

func newFlagGroup(title string, add func(*pflag.FlagSet, config.Config)) *flagGroup {
	g := &flagGroup{title: title, flags: pflag.NewFlagSet(title, pflag.ContinueOnError)}
	add(g.flags, config.Default())
	return g
}

// has reports whether a command has all of the group.
func (g *flagGroup) has(cmd *cobra.Command) bool {
	all := true
	g.flags.VisitAll(func(f *pflag.Flag) { all = all && config.FlagOf(cmd.Flags(), f.Name) != nil })
	return all
}

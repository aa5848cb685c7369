package main

import (
	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/usage"
)

// newHelpCommand explains another command.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Explain a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			at, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, sub := range at.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, sub.Name()+"\t"+sub.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about := cmd.Root()
			for i, name := range args {
				sub, _, err := about.Find([]string{name})
				if err != nil || sub == about {
					return usage.Explained(usage.KnownCommand)(about, args[i:])
				}
				about = sub
			}
			about.InitDefaultHelpFlag()
			return usage.Help(cmd.OutOrStdout(), about)
		},
	}
}

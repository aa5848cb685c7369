package main

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/config"
)

// Every setting outside of sections has a flag of some command, with the setting's
// default. Settings in sections have no flag, except archive.url.
func TestEverySettingHasAFlag(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	root := newRootCommand(streams{})
	flags.AddFlagSet(root.PersistentFlags())
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, setting := f.Annotations[config.Mark]; setting && flags.Lookup(f.Name) == nil {
				flags.AddFlag(f) // demo's --listen is another one, and no setting
			}
		})
	}
	for _, key := range config.Keys() {
		f := config.FlagOf(flags, key)
		if strings.Contains(key, ".") && key != "archive.url" {
			if f != nil {
				t.Errorf("%s has a flag", key)
			}
			continue
		}
		if f == nil {
			t.Errorf("%s has no flag", key)
			continue
		}
		if err := flags.Set(f.Name, strings.Trim(f.DefValue, "[]")); err != nil {
			t.Fatal(err)
		}
		if got, err := config.Load(flags, io.Discard); err != nil {
			t.Errorf("--%s with its default: %v", f.Name, err)
		} else if !reflect.DeepEqual(got, config.Default()) {
			t.Errorf("--%s=%s changes the default", f.Name, f.DefValue)
		}
	}
}

package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Every setting at the top has its flag on some command, and the flag's
// default is the setting's. Those of a section have none.
func TestEverySettingHasAFlag(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	root := newRootCommand(streams{})
	flags.AddFlagSet(root.PersistentFlags())
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, setting := f.Annotations[settingMark]; setting && flags.Lookup(f.Name) == nil {
				flags.AddFlag(f) // demo's --listen is another one, and no setting
			}
		})
	}
	s, err := newSources(flags)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range s.keys {
		f := settingFlag(flags, key)
		if strings.Contains(key, ".") {
			if f != nil {
				t.Errorf("%s has a flag", key)
			}
			continue
		}
		if f == nil {
			t.Errorf("%s has no flag", key)
			continue
		}
		got, err := load(t, "--"+f.Name+"="+strings.Trim(f.DefValue, "[]"))
		if err != nil {
			t.Errorf("--%s with its default: %v", f.Name, err)
		} else if !reflect.DeepEqual(got, Default()) {
			t.Errorf("--%s=%s changes the default", f.Name, f.DefValue)
		}
	}
}

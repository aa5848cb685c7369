package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"heapstash/schema"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
)

// serviceVariable is one that the kubelet gives to pods for a Service whose
// name begins with heapstash.
var serviceVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// checkEnvironment refuses a misspelt variable. One that is near to no setting
// may be of somebody else, such as the script around heapstash: it is named on
// stderr, and no more.
func checkEnvironment(cmd *cobra.Command) error {
	known, err := variables()
	if err != nil {
		return err
	}
	var settings []string
	for _, variable := range known {
		settings = append(settings, strings.TrimPrefix(variable, envPrefix+"_"))
	}
	var misspelt []error
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix+"_") || slices.Contains(known, name) {
			continue
		}
		if serviceVariable.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://") {
			continue
		}
		if near := nearest(strings.TrimPrefix(name, envPrefix+"_"), settings); near != "" {
			misspelt = append(misspelt, fmt.Errorf("environment variable %s: no such setting; did you mean %s_%s?", name, envPrefix, near))
			continue
		}
		report(cmd.ErrOrStderr(), fmt.Errorf("environment variable %s: no such setting; it does nothing", name))
	}
	if err := errors.Join(misspelt...); err != nil {
		return schema.WithHint(err, "config.example.yaml lists all settings; the variable of the key x_y is HEAPSTASH_X_Y")
	}
	return nil
}

// variables are the environment variables that mean something.
func variables() ([]string, error) {
	var defaults map[string]any
	if err := mapstructure.Decode(Default(), &defaults); err != nil {
		return nil, err
	}
	known := []string{envPrefix + "_CONFIG"}
	for key := range flatten(defaults) {
		known = append(known, variable(key))
	}
	slices.Sort(known)
	return known, nil
}

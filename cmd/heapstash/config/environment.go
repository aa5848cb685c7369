package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// serviceVariable matches variables that the kubelet sets for a Service whose name
// begins with heapstash.
var serviceVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// CheckEnvironment refuses variables that look like misspelt settings. Other unknown
// variables may belong to the script around heapstash: a line on stderr names them.
func CheckEnvironment(stderr io.Writer) error {
	settings, known := []string{"CONFIG", "ARCHIVE_PASSWORD"}, []string{envPrefix + "_CONFIG", passwordVariable}
	for _, key := range Keys() {
		name := variable(key)
		settings, known = append(settings, strings.TrimPrefix(name, envPrefix+"_")), append(known, name)
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
		if near := guess.Nearest(strings.TrimPrefix(name, envPrefix+"_"), settings); near != "" {
			misspelt = append(misspelt, fmt.Errorf("environment variable %s: no such setting; did you mean %s_%s?", name, envPrefix, near))
			continue
		}
		show.Error(stderr, fmt.Errorf("environment variable %s: no such setting; it does nothing", name))
	}
	if err := errors.Join(misspelt...); err != nil {
		return schema.WithHint(err, "config.example.yaml lists all settings; the variable of the key x_y is HEAPSTASH_X_Y")
	}
	return nil
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"heapstash/schema"
)

// SystemFile is the machine's configuration file, which packages install. Tests set
// another one.
var SystemFile = "/etc/heapstash/heapstash.yaml"

// File is the configuration file that a command uses, or none.
type File struct {
	Path string // empty for none
	// Named is --config or the variable that names the file. It is empty for a file
	// that was found in a usual directory.
	Named string
	text  []byte
	// Skipped is why the machine's file exists and is not used.
	Skipped error
}

// FindFile reads the file that --config names, else the one that
// HEAPSTASH_CONFIG names, else the user's, else the machine's. Only one file is
// read. An empty --config or HEAPSTASH_CONFIG means no file.
//
// If the user may not read the machine's file, it is left out: it has the settings
// of passes, which another user makes.
func FindFile(flags *pflag.FlagSet) (File, error) {
	if f := flags.Lookup("config"); f != nil && f.Changed {
		return readNamed(f.Value.String(), "--config")
	}
	const name = envPrefix + "_CONFIG"
	if path, ok := os.LookupEnv(name); ok {
		return readNamed(path, name)
	}
	for _, path := range []string{userConfig(), SystemFile} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		switch {
		case err == nil:
			return File{Path: path, text: text}, nil
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrPermission) && path == SystemFile:
			return File{Skipped: err}, nil
		default:
			return File{}, schema.WithHint(fmt.Errorf("config file: %w", err), "it is read where no --config is given; --config '' uses no file")
		}
	}
	return File{}, nil
}

func readNamed(path, named string) (File, error) {
	if path == "" {
		return File{}, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, schema.WithHint(fmt.Errorf("no config file %s", path), named+" names it")
	}
	if err != nil {
		return File{}, schema.WithHint(fmt.Errorf("config file: %w", err), named+" must name a file that this user can read")
	}
	return File{Path: path, Named: named, text: text}, nil
}

// userConfig returns the path of the user's own configuration file, as the XDG base
// directory specification has it; empty if there is no such directory.
func userConfig() string {
	base := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // the specification says to ignore it
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "heapstash", "config.yaml")
}

// parse gives the file's settings to viper.
func (c File) parse(s *sources) error {
	if c.Path == "" {
		return nil
	}
	s.v.SetConfigType("yaml")
	if err := s.v.ReadConfig(bytes.NewReader(c.text)); err != nil {
		cause := err
		if wrapped := errors.Unwrap(err); wrapped != nil {
			cause = wrapped
		}
		return schema.WithHint(fmt.Errorf("config file %s: %w", c.Path, cause), "it must be YAML, as config.example.yaml is")
	}
	return nil
}

// tell logs which file is used, at debug level, and warns if one is not used.
func (c File) tell(log *slog.Logger) {
	switch {
	case c.Skipped != nil:
		log.Warn("the machine's config file is not used: this user may not read it", "file", SystemFile, "error", c.Skipped)
	case c.Path == "":
		log.Debug("no config file is used")
	case c.Named == "":
		log.Debug("config file", "file", c.Path)
	default:
		log.Debug("config file", "file", c.Path, "named_by", c.Named)
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"heapstash/schema"

	"github.com/spf13/pflag"
)

// systemConfig is the configuration file of the machine, which packages
// install. Tests set another one.
var systemConfig = "/etc/heapstash/heapstash.yaml"

// configFlag is the value of --config, with the stream on which a command says
// which file it uses.
type configFlag struct {
	path   string
	stderr io.Writer
}

// String returns the path.
func (f *configFlag) String() string { return f.path }

// Set takes the path.
func (f *configFlag) Set(path string) error {
	f.path = path
	return nil
}

// Type is what help calls the value.
func (f *configFlag) Type() string { return "string" }

// configFile is a configuration file that a command uses, or the lack of one.
type configFile struct {
	path string // empty for none
	// named is what names the file: --config or a variable. It is empty for a file
	// that was found at one of its places.
	named string
	text  []byte
	// skipped is why the machine's file is not used where it is there.
	skipped error
}

// findConfig reads the file that --config names, else the one that
// HEAPSTASH_CONFIG names, else the user's, else the machine's. Only one file is
// read. An empty --config or HEAPSTASH_CONFIG is for no file at all.
//
// A user who may not read the machine's file does not get it: its settings are
// of passes, which another user makes.
func findConfig(flags *pflag.FlagSet) (configFile, error) {
	if f := flags.Lookup("config"); f != nil && f.Changed {
		return readNamed(f.Value.String(), "--config")
	}
	const name = envPrefix + "_CONFIG"
	if path, ok := os.LookupEnv(name); ok {
		return readNamed(path, name)
	}
	for _, path := range []string{userConfig(), systemConfig} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		switch {
		case err == nil:
			return configFile{path: path, text: text}, nil
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrPermission) && path == systemConfig:
			return configFile{skipped: err}, nil
		default:
			return configFile{}, schema.WithHint(fmt.Errorf("config file: %w", err), "it is read where no --config is given; --config '' uses no file")
		}
	}
	return configFile{}, nil
}

func readNamed(path, named string) (configFile, error) {
	if path == "" {
		return configFile{}, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return configFile{}, schema.WithHint(fmt.Errorf("no config file %s", path), named+" names it")
	}
	if err != nil {
		return configFile{}, schema.WithHint(fmt.Errorf("config file: %w", err), named+" must name a file that this user can read")
	}
	return configFile{path: path, named: named, text: text}, nil
}

// userConfig is the user's own configuration file, by the XDG base directory
// specification; empty where there is no place for it.
func userConfig() string {
	base := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // the specification has those ignored
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "heapstash", "config.yaml")
}

// parse gives the file's settings to viper.
func (c configFile) parse(s *sources) error {
	if c.path == "" {
		return nil
	}
	s.v.SetConfigType("yaml")
	if err := s.v.ReadConfig(bytes.NewReader(c.text)); err != nil {
		cause := err
		if wrapped := errors.Unwrap(err); wrapped != nil {
			cause = wrapped
		}
		return schema.WithHint(fmt.Errorf("config file %s: %w", c.path, cause), "it must be YAML, as config.example.yaml is")
	}
	return nil
}

// tell says which file is used, at debug level, and warns of one that is not.
func (c configFile) tell(flags *pflag.FlagSet, cfg Config) {
	f := flags.Lookup("config")
	if f == nil {
		return
	}
	value, ok := f.Value.(*configFlag)
	if !ok {
		return
	}
	log := newLogger(value.stderr, cfg)
	switch {
	case c.skipped != nil:
		log.Warn("the machine's config file is not used: this user may not read it", "file", systemConfig, "error", c.skipped)
	case c.path == "":
		log.Debug("no config file is used")
	case c.named == "":
		log.Debug("config file", "file", c.path)
	default:
		log.Debug("config file", "file", c.path, "named_by", c.named)
	}
}

// Package config reads the settings from flags, the environment and a file, checks
// them, and says what is wrong with them.
package config

import (
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/guess"
	"heapstash/schema"
)

// Config has all settings. A setting comes from its flag, else from its environment
// variable, else from the file, else from [Default]. All three have the same name:
// the flag --db-file is the variable HEAPSTASH_DB_FILE and the key db_file.
// config.example.yaml explains each setting.
type Config struct {
	// DBFile is the archive, empty if Archive.URL is.
	DBFile      string     `mapstructure:"db_file"`
	ClusterName string     `mapstructure:"cluster_name"`
	LogLevel    slog.Level `mapstructure:"log_level"`
	LogFormat   string     `mapstructure:"log_format"`

	Access `mapstructure:",squash"`

	Timeout     time.Duration `mapstructure:"timeout"` // of one request
	Tries       int           `mapstructure:"tries"`
	Concurrency int           `mapstructure:"concurrency"`

	Namespaces        []string      `mapstructure:"namespace"`
	ExcludeNamespaces []string      `mapstructure:"exclude_namespace"`
	ExcludePods       []string      `mapstructure:"exclude_pod"`
	Kinds             []schema.Kind `mapstructure:"kinds"`
	PartialOK         bool          `mapstructure:"partial_ok"`
	MetricsTextfile   string        `mapstructure:"metrics_textfile"`
	RetryLock         time.Duration `mapstructure:"retry_lock"`

	Collect Collect `mapstructure:"collect"`
	Limits  Limits  `mapstructure:"limits"`
	Archive Archive `mapstructure:"archive"`

	Schedule string `mapstructure:"schedule"`
	Listen   string `mapstructure:"listen"`
}

// Collect has settings of a pass. They have no flags; their variables are
// HEAPSTASH_COLLECT_...
type Collect struct {
	Containers collect.Containers `mapstructure:"containers"`
	Budget     time.Duration      `mapstructure:"budget"`
	Deadline   time.Duration      `mapstructure:"deadline"`
	Enrich     bool               `mapstructure:"enrich"`
}

// Default returns the default settings.
func Default() Config {
	return Config{
		DBFile:      "heapstash.db",
		ClusterName: "default",
		LogLevel:    slog.LevelInfo,
		LogFormat:   "auto",
		Access: Access{
			HeapsterNamespace: "kube-system",
			HeapsterService:   "heapster",
			HeapsterScheme:    "http",
			HeapsterProxyPath: "auto",
		},
		Timeout:           10 * time.Second,
		Tries:             3,
		Concurrency:       8,
		Namespaces:        []string{},
		ExcludeNamespaces: []string{},
		// The pods of the CronJob in deploy/kubernetes, 1,440 a day.
		ExcludePods: []string{"heapstash/heapstash-collect-*"},
		Kinds:       schema.Kinds(),
		Collect: Collect{
			Containers: collect.ContainersAuto,
			Budget:     45 * time.Second,
			Deadline:   100 * time.Second,
		},
		Limits: defaultLimits(),
		Archive: Archive{
			MinFree: 64 << 20,
			Mode:    0o600,

			Retention: Retention{Raw: keepList{{}}, Hourly: keepList{{}}, Daily: keepList{{}}},
		},
		Schedule: "@every 1m",
		Listen:   "127.0.0.1:9278",
	}
}

// envPrefix begins the names of the settings' environment variables.
const envPrefix = "HEAPSTASH"

// Load returns the settings of a command with these flags, and logs to stderr which
// file it read. Its error is [Faults]: all faults, each with its flag, variable or
// file.
func Load(flags *pflag.FlagSet, stderr io.Writer) (Config, error) {
	s, err := newSources(flags)
	if err != nil {
		return Config{}, err
	}
	// A setting that does not decode keeps its default, so that it has one fault only.
	cfg := Default()
	found := s.unknownKeys()
	if err := s.v.Unmarshal(&cfg, strictly); err != nil {
		found = append(found, decodeFaults(err)...)
	}
	found = append(found, cfg.resolveArchive(s)...)
	found = append(found, cfg.Validate()...)
	if len(found) == 0 {
		s.file.tell(NewLogger(stderr, cfg))
		return cfg, nil
	}
	for i, f := range found {
		if f.from == "" {
			found[i].from = s.origin(f.key)
		}
	}
	return Config{}, found
}

// sources are the flags, the environment and the file, which viper merges. No other
// type knows viper.
type sources struct {
	v     *viper.Viper
	file  File
	flags *pflag.FlagSet
}

func newSources(flags *pflag.FlagSet) (*sources, error) {
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	// HEAPSTASH_LISTEN= is a setting: it switches the listener off.
	v.AllowEmptyEnv(true)
	file, err := FindFile(flags)
	if err != nil {
		return nil, err
	}
	s := &sources{v: v, flags: flags, file: file}
	for key, value := range defaults() {
		// viper reads a variable only for a key that it knows.
		v.SetDefault(key, value)
		if err := v.BindEnv(key, variable(key)); err != nil {
			return nil, err
		}
		if f := FlagOf(flags, key); f != nil {
			if err := v.BindPFlag(key, f); err != nil {
				return nil, err
			}
		}
	}
	return s, file.parse(s)
}

// defaults returns the values of [Default] by key.
func defaults() map[string]any {
	var nested map[string]any
	if err := mapstructure.Decode(Default(), &nested); err != nil {
		panic(err) // a map takes every value
	}
	return flatten(nested)
}

// Keys returns the keys of all settings, in order. A key in a section has a dot.
func Keys() []string { return slices.Sorted(maps.Keys(defaults())) }

// flatten joins the keys of nested maps with dots, as viper names them.
func flatten(settings map[string]any) map[string]any {
	flat := make(map[string]any)
	for key, value := range settings {
		nested, ok := value.(map[string]any)
		if !ok {
			flat[key] = value
			continue
		}
		for inner, value := range flatten(nested) {
			flat[key+"."+inner] = value
		}
	}
	return flat
}

// variable returns the environment variable of a key.
func variable(key string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// unknownKeys returns a fault for each key of the file that is not a setting.
// viper's UnmarshalExact does not refuse keys without a value, and does not say
// which setting was meant.
func (s *sources) unknownKeys() Faults {
	var found Faults
	settings := Keys()
	unknown := s.v.AllKeys()
	slices.Sort(unknown)
	for _, key := range unknown {
		// If the key is a.b and a is a setting, then its value is the fault.
		known := func(setting string) bool { return key == setting || strings.HasPrefix(key, setting+".") }
		if slices.ContainsFunc(settings, known) {
			continue
		}
		problem := "no such setting"
		if hint := guess.DidYouMean(key, settings, ""); hint != "" {
			problem += "; " + hint
		}
		found = append(found, Fault{key: key, problem: problem, from: s.file.Path})
	}
	return found
}

// rank says where a setting's value came from.
type rank int

// The ranks, the lowest first.
const (
	nowhere rank = iota // it is the default
	inFile
	inVariable
	inFlag
)

func (s *sources) rank(key string) rank {
	if f := FlagOf(s.flags, key); f != nil && f.Changed {
		return inFlag
	}
	if _, ok := os.LookupEnv(variable(key)); ok {
		return inVariable
	}
	if s.v.InConfig(key) {
		return inFile
	}
	return nowhere
}

// origin returns the flag, the variable or the file that a setting's value came
// from, empty for a default.
func (s *sources) origin(key string) string {
	key, _, _ = strings.Cut(key, "[")
	switch s.rank(key) {
	case inFlag:
		return "--" + FlagOf(s.flags, key).Name
	case inVariable:
		return variable(key)
	case inFile:
		return s.file.Path
	}
	return ""
}

package config

import (
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

// Config holds every setting. A setting comes from its flag, else from its
// environment variable, else from the file, else from [Default]; its name is
// one: the flag --db-file is the variable HEAPSTASH_DB_FILE and the key
// db_file. config.example.yaml explains each.
type Config struct {
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

// Collect holds the settings of a pass that have no flag: their variables are
// HEAPSTASH_COLLECT_...
type Collect struct {
	Containers collect.Containers `mapstructure:"containers"`
	Budget     time.Duration      `mapstructure:"budget"`
	Deadline   time.Duration      `mapstructure:"deadline"`
	Enrich     bool               `mapstructure:"enrich"`
}

// Archive holds the settings of the file and of its disk. They have no flag
// either: their variables are HEAPSTASH_ARCHIVE_...
type Archive struct {
	MinFree schema.Size `mapstructure:"min_free"`
	MaxSize schema.Size `mapstructure:"max_size"`
	Mode    fileMode    `mapstructure:"mode"`

	Retention Retention `mapstructure:"retention"`
}

// Default returns the settings that hold where nothing else is said.
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

// envPrefix stands before the upper-cased key in the name of a setting's
// environment variable.
const envPrefix = "HEAPSTASH"

// Load gathers the settings for a command with those flags. Its error
// names every fault there is, each with where it came from.
func Load(flags *pflag.FlagSet) (Config, error) {
	s, err := newSources(flags)
	if err != nil {
		return Config{}, err
	}
	// What does not decode keeps its default, which has no fault of its own.
	cfg := Default()
	found := s.unknownKeys()
	if err := s.v.Unmarshal(&cfg, strictly); err != nil {
		found = append(found, decodeFaults(err)...)
	}
	found = append(found, cfg.Validate()...)
	if len(found) == 0 {
		s.file.tell(flags, cfg)
		return cfg, nil
	}
	for i, f := range found {
		if f.from == "" {
			found[i].from = s.origin(f.key)
		}
	}
	return Config{}, found
}

// sources is where settings come from. viper merges them; it is kept behind
// this type.
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
		// viper looks a variable up only for keys that it knows of.
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

// defaults are the values of all settings in [Default], by key.
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

// variable is the environment variable of a key.
func variable(key string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// unknownKeys returns a fault for each key of the file that is no setting.
// viper's UnmarshalExact would refuse them too, but for those without a value,
// and could not say what was meant.
func (s *sources) unknownKeys() Faults {
	var found Faults
	settings := Keys()
	unknown := s.v.AllKeys()
	slices.Sort(unknown)
	for _, key := range unknown {
		// Of a.b, a may be a setting: then its value is the fault.
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

// origin says where a setting's value came from, in the user's own terms;
// empty for a default.
func (s *sources) origin(key string) string {
	key, _, _ = strings.Cut(key, "[")
	env := variable(key)
	if f := FlagOf(s.flags, key); f != nil && f.Changed {
		return "--" + f.Name
	}
	if _, ok := os.LookupEnv(env); ok {
		return env
	}
	if s.v.InConfig(key) {
		return s.file.Path
	}
	return ""
}

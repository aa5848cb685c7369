package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/schedule"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Fault is a fault of one setting.
type Fault struct {
	key     string
	problem string // with what is allowed instead
	from    string // the flag, variable or file it came from
}

// Faults are all faults of the settings. As an error, each is a line.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.key + ": " + f.problem
		if f.from != "" {
			lines[i] += " (from " + f.from + ")"
		}
	}
	return strings.Join(lines, "\n")
}

// Hint says where settings are explained.
func (fs Faults) Hint() string {
	return "config.example.yaml explains every setting; a flag --x-y is the key x_y and the variable HEAPSTASH_X_Y"
}

// check adds a fault unless ok is true.
func (fs *Faults) check(ok bool, key, problem string, args ...any) {
	if !ok {
		*fs = append(*fs, Fault{key: key, problem: fmt.Sprintf(problem, args...)})
	}
}

// oneOf adds a fault unless the value is an allowed one.
func (fs *Faults) oneOf(key, value string, allowed ...string) {
	fs.check(slices.Contains(allowed, value), key, "%q is none of %s", value, strings.Join(allowed, ", "))
}

// within adds a fault unless low <= n <= high.
func (fs *Faults) within(key string, n, low, high int) {
	fs.check(low <= n && n <= high, key, "%d is out of range: %d to %d", n, low, high)
}

// Validate returns all faults of the settings.
func (c Config) Validate() Faults {
	var fs Faults
	fs.check(c.DBFile != "" || c.Archive.URL != "", "db_file", "must name a file")
	fs.check(strings.TrimSpace(c.ClusterName) != "", "cluster_name", "must not be empty")
	fs.oneOf("log_format", c.LogFormat, "auto", "text", "json")
	c.Access.check(&fs)

	fs.check(c.Timeout >= 100*time.Millisecond, "timeout", "%v is too short: at least 100ms", c.Timeout)
	fs.within("tries", c.Tries, 1, 10)
	fs.within("concurrency", c.Concurrency, 1, 64)

	for i, glob := range c.Namespaces {
		checkGlob(&fs, fmt.Sprintf("namespace[%d]", i), glob)
	}
	for i, glob := range c.ExcludeNamespaces {
		checkGlob(&fs, fmt.Sprintf("exclude_namespace[%d]", i), glob)
	}
	for i, glob := range c.ExcludePods {
		checkPodGlob(&fs, fmt.Sprintf("exclude_pod[%d]", i), glob)
	}
	fs.check(len(c.Kinds) > 0, "kinds", "must name at least one: %s", strings.Join(show.Names(schema.Kinds()), ", "))
	fs.check(c.MetricsTextfile == "" || strings.HasSuffix(c.MetricsTextfile, ".prom"), "metrics_textfile",
		"%q does not end in .prom, and node_exporter reads no other file", c.MetricsTextfile)
	fs.check(c.RetryLock >= 0, "retry_lock", "%v is negative", c.RetryLock)
	fs.oneOf("collect.containers", string(c.Collect.Containers),
		string(collect.ContainersAuto), string(collect.ContainersFull), string(collect.ContainersExport), string(collect.ContainersOff))
	fs.check(c.Collect.Budget >= time.Second || c.Collect.Budget == 0, "collect.budget",
		"%v is too short: at least 1s, or 0s for no bound", c.Collect.Budget)
	fs.check(c.Collect.Deadline >= time.Second || c.Collect.Deadline == 0, "collect.deadline",
		"%v is too short: at least 1s, or 0s for no bound", c.Collect.Deadline)
	fs.check(!c.Collect.Enrich || c.HeapsterURL == "", "collect.enrich",
		"needs the Kubernetes API, which heapster_url leads past: take another way in, or leave it false")

	c.Limits.check(&fs)
	c.Archive.check(&fs)

	_, err := schedule.Parse(c.Schedule)
	fs.check(err == nil, "schedule", "%v", err)
	if c.Listen != "" {
		checkListen(&fs, c.Listen)
	}
	return fs
}

func checkGlob(fs *Faults, key, glob string) {
	fs.check(schema.IsGlob(glob), key, "%q is not a glob: write a name, or a pattern with * ? [a-z]", glob)
}

func checkPodGlob(fs *Faults, key, glob string) {
	namespace, pod, _ := strings.Cut(glob, "/")
	fs.check(schema.IsGlob(namespace) && schema.IsGlob(pod) && !strings.Contains(pod, "/"), key,
		"%q is not a glob of pods: write NAMESPACE/POD, such as shop/debug-* or */debug-*, each half a name or a pattern with * ? [a-z]", glob)
}

func checkListen(fs *Faults, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	fs.check(err == nil, "listen", "%q is not an address: write 127.0.0.1:9278, :9278, or nothing at all", address)
}

// Package build says which build of heapstash this is.
package build

import (
	"runtime"
	"runtime/debug"
)

// version is set by the linker (see the Makefile). A program that go install built
// knows its version without it.
var version string

// Build is a build of heapstash.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the version control
	Time     string `json:"time,omitempty"`     // of the revision, RFC 3339 in UTC
	Modified bool   `json:"modified,omitempty"` // there were changes beside the revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Info returns the build that runs.
func Info() Build {
	b := Build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if b.Version == "" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	return b
}

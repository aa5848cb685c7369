package config

import (
	"io"
	"log/slog"

	"heapstash/cmd/heapstash/show"
)

// NewLogger returns a command's logger. It writes text to a terminal and JSON to
// other streams, unless the settings say which.
func NewLogger(w io.Writer, c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "text" || c.LogFormat == "auto" && show.IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

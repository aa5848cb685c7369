package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// grace is how long a query may take to notice that it has to end.
const grace = 2 * time.Second

// Ask opens the settings' archive for reading, calls ask with it, and closes it. It
// gives up when ctx ends or after the timeout, zero for none; ask may then still be
// running.
func Ask(ctx context.Context, cfg config.Config, timeout time.Duration, ask func(context.Context, Reader) error) error {
	reader, err := Read(ctx, cfg)
	if err != nil {
		return err
	}
	return within(ctx, timeout, reader, ask)
}

// AskFile is [Ask] for the SQLite archive at the path.
func AskFile(ctx context.Context, path string, timeout time.Duration, ask func(context.Context, File) error) error {
	reader, err := ReadFile(ctx, path)
	if err != nil {
		return err
	}
	return within(ctx, timeout, reader, ask)
}

// within calls ask with the reader, and closes the reader.
func within[R io.Closer](ctx context.Context, timeout time.Duration, reader R, ask func(context.Context, R) error) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	// SQLite stops between two steps of a statement. One step may take for ever; it
	// ends with the process.
	err := Await(ctx, grace, func() error {
		defer reader.Close() // read only
		return ask(ctx, reader)
	})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return schema.WithHint(fmt.Errorf("the query took longer than %v", timeout), "--timeout sets how long it may take, 0 for no limit")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Await calls do and returns its error. When ctx ends, it waits no longer than so
// long; do may then still be running.
func Await(ctx context.Context, long time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(long):
		return ctx.Err()
	}
}

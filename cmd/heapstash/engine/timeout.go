package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heapstash/schema"
)

// UsualTimeout ends what runs away.
const UsualTimeout = 5 * time.Minute

// grace is how long a query may take to notice that it has to end.
const grace = 2 * time.Second

// Within asks the archive something, for as long as the timeout, zero for ever.
func Within(ctx context.Context, timeout time.Duration, ask func(context.Context) error) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- ask(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		// SQLite looks up between the steps of a statement. A single one may
		// take for ever, and ends with the process.
		select {
		case err = <-done:
		case <-time.After(grace):
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return schema.WithHint(fmt.Errorf("the query took longer than %v", timeout), "--timeout sets how long it may take, 0 for as long as it likes")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

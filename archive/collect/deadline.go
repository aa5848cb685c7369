package collect

import (
	"context"
	"fmt"
	"time"

	"heapstash/schema"
)

// deadline ends what a pass asks for, so that one whose every answer is slow
// gives back the archive's lock. What is asked after it, or was not answered by
// then, is a [schema.ErrBudget].
type deadline struct {
	at    time.Time // on the clock now
	after time.Duration
	now   func() time.Time
}

// overdueError is what is not known for want of time.
type overdueError struct{ after time.Duration }

func (e overdueError) Error() string {
	return fmt.Sprintf("no answer within %v of the pass's beginning: %v", e.after, schema.ErrBudget)
}

func (overdueError) Unwrap() error { return schema.ErrBudget }

func (overdueError) Hint() string {
	return "Heapster, or something in front of it, is slow: raise concurrency, narrow what is archived (kinds, namespace), or raise collect.deadline"
}

// ask asks within the deadline.
func ask[T any](ctx context.Context, d deadline, question func(context.Context) (T, error)) (answer T, err error) {
	left := d.at.Sub(d.now())
	if left <= 0 {
		return answer, overdueError{d.after}
	}
	asking, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	answer, err = question(asking)
	if err != nil && ctx.Err() == nil && asking.Err() != nil {
		return answer, overdueError{d.after}
	}
	return answer, err
}

// timedSource is a source with a deadline. Counting and splitting take no time.
type timedSource struct {
	Source
	deadline
}

func (s timedSource) AllKeys(ctx context.Context) (entities []schema.Entity, unknown []string, err error) {
	entities, err = ask(ctx, s.deadline, func(ctx context.Context) (list []schema.Entity, err error) {
		list, unknown, err = s.Source.AllKeys(ctx)
		return list, err
	})
	return entities, unknown, err
}

func (s timedSource) Nodes(ctx context.Context) ([]string, error) {
	return ask(ctx, s.deadline, s.Source.Nodes)
}

func (s timedSource) Namespaces(ctx context.Context) ([]string, error) {
	return ask(ctx, s.deadline, s.Source.Namespaces)
}

func (s timedSource) Pods(ctx context.Context, namespace string) ([]string, error) {
	return ask(ctx, s.deadline, func(ctx context.Context) ([]string, error) {
		return s.Source.Pods(ctx, namespace)
	})
}

func (s timedSource) Containers(ctx context.Context, namespace, pod string) ([]string, error) {
	return ask(ctx, s.deadline, func(ctx context.Context) ([]string, error) {
		return s.Source.Containers(ctx, namespace, pod)
	})
}

func (s timedSource) SystemContainers(ctx context.Context, node string) ([]string, error) {
	return ask(ctx, s.deadline, func(ctx context.Context) ([]string, error) {
		return s.Source.SystemContainers(ctx, node)
	})
}

func (s timedSource) Healthz(ctx context.Context) error {
	_, err := ask(ctx, s.deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.Source.Healthz(ctx)
	})
	return err
}

func (s timedSource) MetricNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error) {
	return ask(ctx, s.deadline, func(ctx context.Context) ([]schema.MetricName, error) {
		return s.Source.MetricNames(ctx, e)
	})
}

func (s timedSource) Series(ctx context.Context, e schema.Entity, m schema.MetricName, start schema.Instant) ([]schema.Point, error) {
	return ask(ctx, s.deadline, func(ctx context.Context) ([]schema.Point, error) {
		return s.Source.Series(ctx, e, m, start)
	})
}

func (s timedSource) PodSeries(ctx context.Context, namespace string, pods []string, m schema.MetricName, start schema.Instant) ([][]schema.Point, error) {
	return ask(ctx, s.deadline, func(ctx context.Context) ([][]schema.Point, error) {
		return s.Source.PodSeries(ctx, namespace, pods, m, start)
	})
}

func (s timedSource) Export(ctx context.Context, visit func(schema.Exported) error) error {
	_, err := ask(ctx, s.deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.Source.Export(ctx, visit)
	})
	return err
}

// timedEnricher is an enricher with a deadline.
type timedEnricher struct {
	Enricher
	deadline
}

func (e timedEnricher) Pods(ctx context.Context, whole bool) ([]schema.Identity, error) {
	return ask(ctx, e.deadline, func(ctx context.Context) ([]schema.Identity, error) {
		return e.Enricher.Pods(ctx, whole)
	})
}

func (e timedEnricher) Namespaces(ctx context.Context) ([]schema.NamespaceIdentity, error) {
	return ask(ctx, e.deadline, e.Enricher.Namespaces)
}

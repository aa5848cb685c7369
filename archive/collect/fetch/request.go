package fetch

import (
	"context"
	"errors"

	"heapstash/schema"
)

// Source reads series.
type Source interface {
	// Series returns the visible points of an entity at or after start, in any
	// order; the zero start asks for all.
	Series(ctx context.Context, e schema.Entity, m schema.MetricName, start schema.Instant) ([]schema.Point, error)
	// PodSeries returns the points of each pod, in the order of the pods. It
	// returns all of them or an error.
	PodSeries(ctx context.Context, namespace string, pods []string, m schema.MetricName, start schema.Instant) ([][]schema.Point, error)
}

// Request asks for one metric of one entity, or of several pods of a namespace.
type Request struct {
	Scope  schema.Scope
	Entity schema.Entity // of several pods, any one
	Pods   []string      // nil for one entity
	Metric schema.MetricName
	Start  schema.Instant
}

// Size is the number of entities that the request asks for.
func (r Request) Size() int { return max(1, len(r.Pods)) }

// Member is the i-th of the entities.
func (r Request) Member(i int) schema.Entity {
	if r.Pods == nil {
		return r.Entity
	}
	return schema.PodEntity(r.Entity.Namespace, r.Pods[i])
}

// of is the request for some of its pods.
func (r Request) of(pods ...string) Request {
	r.Pods = pods
	return r
}

// read sends the request and returns a series for each of its entities.
func (r Request) read(ctx context.Context, source Source) ([][]schema.Point, error) {
	if r.Pods != nil {
		return source.PodSeries(ctx, r.Entity.Namespace, r.Pods, r.Metric, r.Start)
	}
	points, err := source.Series(ctx, r.Entity, r.Metric, r.Start)
	return [][]schema.Point{points}, err
}

// MayBeName reports whether the error may come from one of the pods' names, so
// that a request for fewer pods may be answered.
func MayBeName(err error) bool {
	return errors.Is(err, schema.ErrRefused) || errors.Is(err, schema.ErrNotFound) ||
		errors.Is(err, schema.ErrProtocol) || errors.Is(err, schema.ErrUnaddressable)
}

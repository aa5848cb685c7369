package fetch

import (
	"context"
	"errors"
	"math/bits"
	"sync"

	"heapstash/schema"
)

const (
	// mostHalves bounds the requests of one pass that are sent to find the names
	// that are refused.
	mostHalves = 1000
	// mostFruitless is how many requests of a pass may be split without an answer
	// to any part. Then the reason is not a name.
	mostFruitless = 4
)

// part is a part of a request, and its answer.
type part struct {
	Request
	series [][]schema.Point
	err    error
}

// splitter asks for pods together. If that fails, and one pod's name may be the
// reason (a proxy's filter, a URL or an answer that is too long), it halves the
// pods until the ones that still fail are alone. What it learns holds for the
// pass. It may be used concurrently.
type splitter struct {
	source     Source
	wasRefused func(schema.Entity) bool

	splitting sync.Mutex // held while a request is split, so that the others learn from it

	mu        sync.Mutex // guards the fields below
	refused   map[schema.Entity]error
	fits      map[schema.Scope]int // how many pods are answered together, if not all are
	halves    int
	fruitless map[schema.MetricName]bool
}

// fetch sends a request, in parts if necessary. The parts have each of the
// request's entities once.
func (s *splitter) fetch(ctx context.Context, r Request) []part {
	if r.Pods == nil {
		series, err := r.read(ctx, s.source)
		return []part{{r, series, err}}
	}
	return s.readAll(ctx, s.arrange(r), s.split)
}

// readAll sends the parts without an error, and divides the ones that fail.
func (s *splitter) readAll(ctx context.Context, parts []part, divide func(context.Context, part) []part) []part {
	var done []part
	for _, p := range parts {
		if p.err == nil {
			p.series, p.err = p.read(ctx, s.source)
			if MayBeName(p.err) && p.Size() > 1 {
				done = append(done, divide(ctx, p)...)
				continue
			}
		}
		done = append(done, p)
	}
	return done
}

// arrange divides a request by what is known so far. Pods that are
// refused with every metric have their error already.
func (s *splitter) arrange(r Request) []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []part
	var rest []string
	for i, pod := range r.Pods {
		err, known := s.refused[r.Member(i)]
		if !known {
			rest = append(rest, pod)
			continue
		}
		alone := part{Request: r.of(pod)}
		if !errors.Is(err, schema.ErrProtocol) { // otherwise the metric may be the reason
			alone.err = err
		}
		parts = append(parts, alone)
	}
	if fits := s.fits[r.Scope]; fits > 0 {
		for len(rest) > fits {
			parts = append(parts, part{Request: r.of(rest[:fits]...)})
			rest = rest[fits:]
		}
	}
	if len(rest) > 0 {
		parts = append(parts, part{Request: r.of(rest...)})
	}
	return parts
}

// split divides a request that failed. If another request was split meanwhile,
// what that learned comes first.
func (s *splitter) split(ctx context.Context, whole part) []part {
	s.splitting.Lock()
	defer s.splitting.Unlock()
	parts := s.arrange(whole.Request)
	if len(parts) == 1 {
		return s.halve(ctx, whole)
	}
	return s.readAll(ctx, parts, s.halve)
}

// halve finds the largest parts that are answered. It stops at the first single
// name if nothing was answered until then.
func (s *splitter) halve(ctx context.Context, whole part) []part {
	if !s.isWorthwhile(whole) {
		return []part{whole}
	}
	var done []part
	answered, asked, most := 0, 0, 2*bits.Len(uint(whole.Size()))
	pending := []part{whole}
	for len(pending) > 0 && ctx.Err() == nil && (answered > 0 || asked < most) && s.pay(2) {
		last := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		for _, pods := range [][]string{last.Pods[:last.Size()/2], last.Pods[last.Size()/2:]} {
			half := part{Request: last.of(pods...)}
			half.series, half.err = half.read(ctx, s.source)
			asked++
			if MayBeName(half.err) && half.Size() > 1 {
				pending = append(pending, half)
				continue
			}
			if half.err == nil {
				answered = max(answered, half.Size())
			}
			done = append(done, half)
		}
	}
	if answered == 0 {
		return s.giveUp(whole)
	}
	done = append(done, pending...)
	s.learn(whole, done, answered)
	return done
}

// isWorthwhile reports whether some of the pods may be answered.
func (s *splitter) isWorthwhile(whole part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allWereRefused(whole) || !s.fruitless[whole.Metric] && len(s.fruitless) < mostFruitless
}

// allWereRefused reports whether the last pass could not read any of the pods.
func (s *splitter) allWereRefused(whole part) bool {
	for i := range whole.Size() {
		if !s.wasRefused(whole.Member(i)) {
			return false
		}
	}
	return true
}

// pay reports whether so many more requests may be sent.
func (s *splitter) pay(requests int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halves += requests
	return s.halves <= mostHalves
}

// giveUp takes the names for the reason only if the last pass could not read any
// of the pods.
func (s *splitter) giveUp(whole part) []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allWereRefused(whole) {
		s.fruitless[whole.Metric] = true
		return []part{whole}
	}
	var parts []part
	for i, pod := range whole.Pods {
		s.refused[whole.Member(i)] = whole.err
		parts = append(parts, part{Request: whole.of(pod), err: whole.err})
	}
	return parts
}

// learn remembers the names that are refused. If there are none, it remembers how
// many pods are answered together.
func (s *splitter) learn(whole part, done []part, answered int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := false
	for _, p := range done {
		if p.err == nil {
			continue
		}
		failed = true
		if MayBeName(p.err) && p.Size() == 1 {
			s.refused[p.Member(0)] = p.err
		}
	}
	if !failed {
		s.fits[whole.Scope] = answered
	}
}

// IsRefused reports whether the pod alone was refused while others of its request
// were answered.
func (s *splitter) IsRefused(pod schema.Entity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[pod] != nil
}

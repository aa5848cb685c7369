package fetch

import (
	"context"
	"errors"
	"math/bits"
	"sync"

	"heapstash/schema"
)

// How much a pass pays to find out which names of a request are refused.
const (
	// mostHalves bounds the requests that are made for it in one pass.
	mostHalves = 1000
	// mostFruitless is how many batches of a pass may be split without any of
	// the parts being answered: then it is not about names.
	mostFruitless = 4
)

// part is what came of a part of a request.
type part struct {
	Request
	series [][]schema.Point
	err    error
}

// splitter asks for pods together. Where that is refused, for whatever reason
// may be that of one name (a filter of a proxy, an address that is too long,
// an answer that is), it halves the pods, until those that stay refused stand
// alone. What it learns holds for the pass. It may be used concurrently.
type splitter struct {
	source     Source
	wasRefused func(schema.Entity) bool

	splitting sync.Mutex // held while a request is split, so that the others learn from it

	mu        sync.Mutex // guards what follows
	refused   map[schema.Entity]error
	fits      map[schema.Scope]int // pods that are answered together, where more are not
	halves    int
	fruitless map[schema.MetricName]bool
}

func newSplitter(source Source, wasRefused func(schema.Entity) bool) *splitter {
	return &splitter{
		source:     source,
		wasRefused: wasRefused,
		refused:    make(map[schema.Entity]error),
		fits:       make(map[schema.Scope]int),
		fruitless:  make(map[schema.MetricName]bool),
	}
}

// fetch carries out a request, in parts where that is needed. The parts have
// the request's entities, each one once.
func (s *splitter) fetch(ctx context.Context, r Request) []part {
	if r.Pods == nil {
		series, err := r.read(ctx, s.source)
		return []part{{r, series, err}}
	}
	parts := s.arrange(r)
	for i, done := 0, len(parts); i < done; i++ {
		if parts[i].err != nil {
			continue
		}
		parts[i].series, parts[i].err = parts[i].read(ctx, s.source)
		if MayBeName(parts[i].err) && parts[i].Size() > 1 {
			further := s.split(ctx, parts[i])
			parts[i] = further[0]
			parts = append(parts, further[1:]...)
		}
	}
	return parts
}

// arrange makes the requests that what is known so far suggests. Pods that are
// refused whatever is asked of them have their error already.
func (s *splitter) arrange(r Request) []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []part
	var rest []string
	for i, pod := range r.Pods {
		err, known := s.refused[r.Member(i)]
		switch alone := (part{Request: r.of(pod)}); {
		case !known:
			rest = append(rest, pod)
		case errors.Is(err, schema.ErrProtocol): // perhaps for what was answered, so ask
			parts = append(parts, alone)
		default:
			alone.err = err
			parts = append(parts, alone)
		}
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

// split asks for halves of what was refused, and returns parts of the same
// pods. Another batch may have been split meanwhile, so it looks first.
func (s *splitter) split(ctx context.Context, whole part) []part {
	s.splitting.Lock()
	defer s.splitting.Unlock()
	again := s.arrange(whole.Request)
	if len(again) == 1 {
		return s.halve(ctx, whole)
	}
	var parts []part
	for _, a := range again {
		if a.err == nil {
			a.series, a.err = a.read(ctx, s.source)
			if MayBeName(a.err) && a.Size() > 1 {
				parts = append(parts, s.halve(ctx, a)...)
				continue
			}
		}
		parts = append(parts, a)
	}
	return parts
}

// halve finds the largest parts that are answered. As long as none is, it goes
// no further than to one name: then nothing is.
func (s *splitter) halve(ctx context.Context, whole part) []part {
	if !s.worthwhile(whole) {
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
			switch {
			case half.err == nil:
				answered = max(answered, half.Size())
				done = append(done, half)
			case MayBeName(half.err) && half.Size() > 1:
				pending = append(pending, half)
			default:
				done = append(done, half)
			}
		}
	}
	if answered == 0 {
		return s.giveUp(whole)
	}
	done = append(done, pending...)
	s.learn(whole, done, answered)
	return done
}

// worthwhile reports whether splitting may find anything.
func (s *splitter) worthwhile(whole part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allWereRefused(whole) || !s.fruitless[whole.Metric] && len(s.fruitless) < mostFruitless
}

// allWereRefused reports whether all of the pods were refused at the last pass.
func (s *splitter) allWereRefused(whole part) bool {
	for i := range whole.Size() {
		if !s.wasRefused(whole.Member(i)) {
			return false
		}
	}
	return true
}

// pay reports whether so many requests more may be made.
func (s *splitter) pay(requests int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halves += requests
	return s.halves <= mostHalves
}

// giveUp takes pods that were refused at the last pass for refused, and
// anything else for refused for another reason than its names.
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

// learn remembers the names that stayed refused or, where none did, how many
// are answered together.
func (s *splitter) learn(whole part, done []part, answered int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := false
	for _, d := range done {
		if d.err == nil {
			continue
		}
		failed = true
		if MayBeName(d.err) && d.Size() == 1 {
			s.refused[d.Member(0)] = d.err
		}
	}
	if !failed {
		s.fits[whole.Scope] = answered
	}
}

// knows reports whether the pod was refused alone where others were not.
func (s *splitter) knows(e schema.Entity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[e] != nil
}

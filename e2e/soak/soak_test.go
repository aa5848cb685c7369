package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(passerEnv) != "" {
		end(bePasser(os.Stdin, os.Stdout))
		return
	}
	os.Exit(m.Run())
}

// TestDay soaks one day.
func TestDay(t *testing.T) {
	o := options{Days: 1, Pods: 10, Seed: 1}
	dir, err := os.MkdirTemp(memory(o.needs()), "heapstash-soak")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	o.Path = filepath.Join(dir, "soak.db")
	s, err := newSoak(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.run(t.Context(), t.Output()), s.close()); err != nil {
		t.Fatal(err)
	}
}

// TestJudge: judge finds what grows, and nothing else.
func TestJudge(t *testing.T) {
	of := func(grow func(p *period, i int)) *soak {
		s := &soak{world: &world{options: options{Days: 30}}}
		for i := range 24 {
			p := period{growth: 1000, heap: 1000, rss: 1000, median: time.Second, cpu: time.Second}
			grow(&p, i)
			s.periods = append(s.periods, p)
		}
		return s
	}
	for want, grow := range map[string]func(p *period, i int){
		"":                            func(p *period, i int) { p.heap += uint64(i % 3) },
		"heap grows":                  func(p *period, i int) { p.heap += uint64(i) * 20 },
		"resident memory grows":       func(p *period, i int) { p.rss += int64(i) * 20 },
		"time of a pass grows":        func(p *period, i int) { p.median += time.Duration(i) * 60 * time.Millisecond },
		"CPU time of a pass grows":    func(p *period, i int) { p.cpu += time.Duration(i) * 30 * time.Millisecond },
		"growth of the archive grows": func(p *period, i int) { p.growth += int64(i) * 10 },
	} {
		err := of(grow).judge(new(bytes.Buffer))
		switch {
		case want == "" && err != nil:
			t.Errorf("nothing grows: %v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestSpelled: a float that SQLite prints exactly is spelled as the oracle spells it.
func TestSpelled(t *testing.T) {
	for shown, want := range map[string]string{
		"a\t458129.06666666665": "a\t458129.06666666665", "a\t0.5": "a\t0.5", "a\t7.0": "a\t7", "a\t1002752.0": "a\t1002752", "a\t9007199254740993": "a\t9007199254740993",
		"a.b\t1.0e+21": "a.b\t1e+21",
	} {
		if got := spelled(shown); got != want {
			t.Errorf("%q is spelled %q, want %q", shown, got, want)
		}
	}
}

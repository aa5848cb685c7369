package collect_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// filter refuses paths that match, like a proxy in front of Heapster.
func (w *world) filter(path string, status int, body string) {
	w.sim.Heal()
	w.sim.Inject(path, 0, heapstertest.Answer(status, nil, body))
}

// many are pods of the namespace shop.
func many(n int) []string {
	pods := make([]string, n)
	for i := range pods {
		pods[i] = fmt.Sprintf("web-%03d", i)
	}
	return pods
}

func podHoles(s collect.Summary) string {
	var names []string
	for _, h := range s.Holes {
		names = append(names, fmt.Sprintf("%s:%s", h.Scope(), h.Cause))
	}
	return strings.Join(names, " ")
}

// One refused name must not cost the other pods of its request, whatever
// refuses it and whichever pod it is.
func TestOneRefusedName(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		cause  archive.Cause
	}{
		"403 of a filter": {403, "Forbidden", archive.CauseRefused},
		"403 in JSON":     {403, `{"kind":"Status","message":"no","reason":"Forbidden","code":403}`, archive.CauseRefused},
		"400":             {400, "bad request", archive.CauseProtocol},
		"404 page":        {404, "<html>not here</html>", archive.CauseNotFound},
		"200 page":        {200, "<html>The requested URL was rejected.</html>", archive.CauseProtocol},
		"414":             {414, "", archive.CauseProtocol},
		"302":             {302, "", archive.CauseProtocol},
	} {
		for _, refused := range []string{"web-000", "web-050", "web-099"} {
			if refused != "web-050" && test.status != 414 {
				continue // where it stands does not depend on the status
			}
			t.Run(name+"/"+refused, func(t *testing.T) {
				w := newWorld(t, heapsim.Options{})
				w.filter(`/pod-list/(.*,)?`+refused+`[,/]`, test.status, test.body)
				w.feed(0, small(0, many(100)...)...)
				s := w.pass(archive.OutcomePartial, 4+2*99)
				if got, want := podHoles(s), "namespace:shop/pod:"+refused+":"+string(test.cause); got != want {
					t.Errorf("holes %s, want %s", got, want)
				}
				w.want("SELECT count(*), count(DISTINCT pod) FROM samples WHERE kind = 'pod'", "198|99")
				if s.Pass.Requests > 300 {
					t.Errorf("%d requests", s.Pass.Requests)
				}

				// It does not hold back the others, and costs little at the next pass.
				w.feed(1, small(1, many(100)...)...)
				s = w.pass(archive.OutcomePartial, 4+2*99)
				if s.Pass.Duplicates > 4+2*99 {
					t.Errorf("%d duplicates: the others were read anew", s.Pass.Duplicates)
				}
				w.want("SELECT time(ts, 'unixepoch') FROM watermark WHERE kind = 'pod' AND name = 'shop'", "12:01:00")

				// Once it is answered, all that is visible of it is there.
				w.sim.Heal()
				w.feed(2, small(2, many(100)...)...)
				w.pass(archive.OutcomeComplete, 4+2*100+2*2)
				w.want("SELECT count(*), count(DISTINCT pod) FROM samples WHERE kind = 'pod'", "600|100")
				w.want("SELECT count(*) FROM watermark WHERE name LIKE '%/%'", "0")
				w.feed(3, small(3, many(100)...)...)
				w.pass(archive.OutcomeComplete, 4+2*100)
			})
		}
	}
}

// What Heapster has evicted meanwhile is a hole of that pod, with its time.
func TestRefusedUntilThePodEnds(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, many(4)...)...)
	w.pass(archive.OutcomeComplete, 4+8)
	w.filter("/pod-list/.*web-001", 403, "Forbidden")
	for minute := 1; minute <= 6; minute++ {
		w.feed(minute, small(minute, many(4)...)...)
		w.pass(archive.OutcomePartial, 4+6)
	}
	w.sim.Heal()
	w.feed(7, small(7, many(4)...)...)
	s := w.pass(archive.OutcomePartial, 4+8+6+2) // memory/usage is long, and memory/rss of two batches more
	if got, want := podHoles(s), "namespace:shop/pod:web-001:failed"; got != want {
		t.Fatalf("holes %s, want %s", got, want)
	}
	at := schema.InstantOf(noon)
	if h := s.Holes[0]; h.Window.From != at.Add(time.Minute) || h.Window.To != at.Add(5*time.Minute)-1 {
		t.Errorf("the hole is %v to %v", h.Window.From, h.Window.To)
	}
	w.want("SELECT count(*) FROM samples WHERE pod = 'web-001' AND metric = 'memory/usage'", "8")
	w.want("SELECT count(*) FROM samples WHERE pod = 'web-001' AND metric = 'memory/rss'", "4")
}

// Many names at once, next to each other and far apart.
func TestRefusedNames(t *testing.T) {
	for name, refused := range map[string]string{
		"the first twelve": "web-00.|web-01[01]",
		"both ends":        "web-00.|web-09.",
		"every tenth":      "web-0.3",
		"half":             "web-0.[02468]",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, heapsim.Options{})
			w.filter(`/pod-list/(.*,)?(`+refused+`)[,/]`, 403, "Forbidden")
			pods := many(100)
			count := 0
			for _, pod := range pods {
				if regexp.MustCompile("^(" + refused + ")$").MatchString(pod) {
					count++
				}
			}
			w.feed(0, small(0, pods...)...)
			s := w.pass(archive.OutcomePartial, 4+2*(100-count))
			if len(s.Holes) != min(count, 21) {
				t.Errorf("%d holes for %d pods", len(s.Holes), count)
			}
			if s.Pass.Requests > 500 {
				t.Errorf("%d requests", s.Pass.Requests)
			}
		})
	}
}

// A new pod, which is asked for alone, is refused by name too.
func TestNewPodIsRefused(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a", "b")...)
	w.pass(archive.OutcomeComplete, 8)
	w.filter("/pod-list/.*new", 403, "Forbidden")
	w.feed(1, small(1, "a", "b", "new")...)
	if got := podHoles(w.pass(archive.OutcomePartial, 8)); got != "namespace:shop/pod:new:refused" {
		t.Error(got)
	}
	w.feed(2, small(2, "a", "b")...) // and it is gone
	w.pass(archive.OutcomePartial, 8)
	w.sim.Heal()
	w.feed(3, small(3, "a", "b")...)
	w.pass(archive.OutcomeComplete, 8+2)
	w.want("SELECT count(*) FROM samples WHERE pod = 'new'", "2")
	w.want("SELECT count(*) FROM watermark WHERE name LIKE '%/%'", "0")
}

// If everything is refused, a pass does not send a storm of requests.
func TestEverythingIsRefused(t *testing.T) {
	for _, test := range []struct {
		path string
		body string
	}{{"/pod-list/", "Forbidden"}, {"/pod-list/", `{"kind":"Status","message":"no","reason":"Forbidden","code":403}`}, {"/namespaces/shop/pod", "Forbidden"}} {
		w := newWorld(t, heapsim.Options{})
		w.feed(0, small(0, many(1000)...)...)
		summary, err := w.try(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		usual := summary.Pass.Requests
		w.filter(test.path, 403, test.body)
		w.path += ".2"
		if summary, err = w.try(t.Context()); err != nil {
			t.Fatal(err)
		}
		if extra := summary.Pass.Requests - usual; extra > 100 {
			t.Errorf("%s: %d requests, %d more than usual", test.path, summary.Pass.Requests, extra)
		}
		if got := podHoles(summary); !strings.Contains(got, "pod/shop:refused") {
			t.Errorf("holes: %s", got)
		}
	}
}

// A refused metric does not cost other metrics of its pods or its namespace.
func TestRefusedMetric(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.filter("/metrics/memory/rss$", 403, "Forbidden")
	w.feed(0, small(0, many(10)...)...)
	s := w.pass(archive.OutcomePartial, 4+10)
	if !strings.Contains(podHoles(s), "pod/shop:refused") || strings.Contains(podHoles(s), "web-") {
		t.Errorf("holes: %s", podHoles(s))
	}
}

// If a URL is too long for a proxy, the pass sends shorter ones.
func TestURLTooLong(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, many(200)...)...)
	var long int
	w.sim.Inject("/pod-list/", 0, func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if len(r.RequestURI) > 600 {
				long++
				http.Error(rw, "too long", http.StatusRequestURITooLong)
				return
			}
			truly.ServeHTTP(rw, r)
		})
	})
	w.options.Concurrency = 1
	s := w.pass(archive.OutcomeComplete, 4+2*200)
	if long > 10 {
		t.Errorf("%d requests were too long: the length is not remembered (%d in all)", long, s.Pass.Requests)
	}
}

// kubectl proxy up to 1.3 rejects a path that has run, exec or attach after a
// slash. In a list of pods, only the first name is after a slash.
func TestOldKubectlProxy(t *testing.T) {
	for _, pods := range [][]string{
		{"runner-1", "web-1", "web-2"}, {"exec-1", "attach-2", "run-3"}, {"runner-1"}, {"web-1", "runner-2"},
	} {
		w := newWorld(t, heapsim.Options{})
		w.filter("/(run|exec|attach)", 403, "<h3>Unauthorized</h3>")
		w.feed(0, small(0, pods...)...)
		if s, err := w.try(t.Context()); err != nil || s.Pass.New != 4+2*len(pods) {
			t.Errorf("%v: %d samples, %v, holes %s", pods, s.Pass.New, err, podHoles(s))
		}
		w.feed(1, small(1, pods...)...)
		if s, err := w.try(t.Context()); err != nil || s.Pass.New != 4+2*len(pods) {
			t.Errorf("%v: %d samples at the second pass, %v, holes %s", pods, s.Pass.New, err, podHoles(s))
		}
	}
}

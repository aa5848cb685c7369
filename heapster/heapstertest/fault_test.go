package heapstertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// ask returns the status, the body and the first error.
func ask(ctx context.Context, url string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	// A new connection, because net/http repeats a request on a used one.
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestFaults(t *testing.T) {
	const truth = "[\n  \"n\"\n ]"
	for _, test := range []struct {
		name   string
		fault  heapstertest.Fault
		status int
		body   string
		err    error
	}{
		{"html", heapstertest.Answer(503, http.Header{"Retry-After": {"1"}}, "<html>"), 503, "<html>", nil},
		{"truncated", heapstertest.Truncate(3), 200, truth[:3], nil},
		{"not truncated", heapstertest.Truncate(1000), 200, truth, nil},
		{"cut at once", heapstertest.Cut(0), 0, "", io.EOF},
		{"cut in the body", heapstertest.Cut(3), 200, truth[:3], io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := heapstertest.NewServer(heapsim.Options{})
			s.Feed(heapsim.Batch{At: time.Now(), Sets: []heapsim.Set{{Entity: schema.NodeEntity("n")}}})
			server := httptest.NewServer(s)
			defer server.Close()
			s.Inject("/nodes/$", 2, test.fault)
			for range 2 {
				if status, body, _ := ask(t.Context(), server.URL+"/api/v1/model/namespaces/"); status != 200 || body != "[]" {
					t.Errorf("another path: %d %q", status, body)
				}
				status, body, err := ask(t.Context(), server.URL+"/api/v1/model/nodes/")
				if status != test.status || body != test.body || !errors.Is(err, test.err) {
					t.Errorf("got %d, %q, %v", status, body, err)
				}
			}
			if status, body, err := ask(t.Context(), server.URL+"/api/v1/model/nodes/"); status != 200 || body != truth || err != nil {
				t.Errorf("after the fault: %d, %q, %v", status, body, err)
			}
		})
	}
}

func TestFaultsWithoutEnd(t *testing.T) {
	s := heapstertest.NewServer(heapsim.Options{})
	s.Inject("", 1, heapstertest.Answer(500, nil, "first"))
	s.Inject("", 0, heapstertest.Answer(502, nil, "then"))
	for _, want := range []int{500, 502, 502, 502} {
		if status := statusOf(s, "/api/v1/model/nodes/"); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	s.Heal()
	if status := statusOf(s, "/api/v1/model/nodes/"); status != 200 {
		t.Errorf("healed: status %d", status)
	}
}

// statusOf returns the status of an answer without a network.
func statusOf(s http.Handler, path string) int {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code
}

func TestRequestsAreRecorded(t *testing.T) {
	s := heapstertest.NewServer(heapsim.Options{})
	for i := range 5000 {
		statusOf(s, fmt.Sprintf("/%d", i))
	}
	recent := s.Recent()
	if s.Requests() != 5000 || len(recent) != 4096 || recent[0] != "GET /904" || recent[4095] != "GET /4999" {
		t.Errorf("%d requests, %d recorded, from %s to %s", s.Requests(), len(recent), recent[0], recent[len(recent)-1])
	}
}

func TestHold(t *testing.T) {
	s := heapstertest.NewServer(heapsim.Options{})
	server := httptest.NewServer(s)
	defer server.Close()

	release := make(chan struct{})
	s.Inject("/nodes/$", 1, heapstertest.Hold(release))
	answered := make(chan int)
	go func() {
		status, _, _ := ask(t.Context(), server.URL+"/api/v1/model/nodes/")
		answered <- status
	}()
	select {
	case <-answered:
		t.Error("answered before the release")
	default:
	}
	close(release)
	if status := <-answered; status != 200 {
		t.Errorf("status %d", status)
	}

	// A nil channel holds until the client gives up.
	s.Inject("/nodes/$", 1, heapstertest.Hold(nil))
	ctx, giveUp := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer giveUp()
	if _, _, err := ask(ctx, server.URL+"/api/v1/model/nodes/"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

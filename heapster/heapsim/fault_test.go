package heapsim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
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
		fault  heapsim.Fault
		status int
		body   string
		err    error
	}{
		{"html", heapsim.Answer(503, http.Header{"Retry-After": {"1"}}, "<html>"), 503, "<html>", nil},
		{"truncated", heapsim.Truncate(3), 200, truth[:3], nil},
		{"not truncated", heapsim.Truncate(1000), 200, truth, nil},
		{"cut at once", heapsim.Cut(0), 0, "", io.EOF},
		{"cut in the body", heapsim.Cut(3), 200, truth[:3], io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := heapsim.New(heapsim.Options{})
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
	s := simulate(t, heapsim.Options{})
	s.Inject("", 1, heapsim.Answer(500, nil, "first"))
	s.Inject("", 0, heapsim.Answer(502, nil, "then"))
	for _, want := range []int{500, 502, 502, 502} {
		if status, _ := s.get("/api/v1/model/nodes/"); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	s.Heal()
	if status, _ := s.get("/api/v1/model/nodes/"); status != 200 {
		t.Errorf("mended: status %d", status)
	}
}

func TestHold(t *testing.T) {
	s := heapsim.New(heapsim.Options{})
	server := httptest.NewServer(s)
	defer server.Close()

	release := make(chan struct{})
	s.Inject("/nodes/$", 1, heapsim.Hold(release))
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
	s.Inject("/nodes/$", 1, heapsim.Hold(nil))
	ctx, giveUp := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer giveUp()
	if _, _, err := ask(ctx, server.URL+"/api/v1/model/nodes/"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

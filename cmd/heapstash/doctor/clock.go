package doctor

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"heapstash/cmd/heapstash/show"
	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/schema"
)

// Clock compares the clock of the server that answers with the local one. It
// is an [http.RoundTripper] and may be used concurrently.
type Clock struct {
	next http.RoundTripper
	now  func() time.Time

	mu        sync.Mutex
	low, high time.Duration // the server's clock is ahead by no less and no more
	known     bool
}

// NewClock returns a Clock that sends requests by next. now returns the local time.
func NewClock(next http.RoundTripper, now func() time.Time) *Clock {
	if next == nil {
		next = http.DefaultTransport
	}
	return &Clock{next: next, now: now}
}

// RoundTrip sends the request and reads the answer's Date. The server wrote it between
// the request and the answer, in whole seconds, so each answer narrows the difference of
// the clocks.
func (c *Clock) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := c.now()
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answered := c.now()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.narrow(date.Sub(answered), date.Add(time.Second).Sub(asked))
	}
	return resp, nil
}

func (c *Clock) narrow(low, high time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || low > c.high || high < c.low { // the first, or a clock that was set
		c.low, c.high, c.known = low, high, true
		return
	}
	c.low, c.high = max(c.low, low), min(c.high, high)
}

// Ahead returns by how much the server's clock is ahead of the local one at least:
// negative if it is behind, 0 if there may be no difference. It is not known before an
// answer with a date.
func (c *Clock) Ahead() (by time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.low > 0:
		return c.low, c.known
	case c.high < 0:
		return c.high, c.known
	default:
		return 0, c.known
	}
}

// CloseIdleConnections closes the connections, for [http.Client].
func (c *Clock) CloseIdleConnections() {
	if closer, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// farApart is how much clocks may differ before there is a warning.
const farApart = 10 * time.Second

// Skew says whether the clocks agree.
func (c *Clock) Skew() Finding {
	const name = "clock"
	const fix = "let NTP set both clocks; samples carry Heapster's time, passes the local one"
	ahead, known := c.Ahead()
	switch {
	case !known:
		return ok(name, "Heapster's answers carry no date to compare")
	case ahead > farApart:
		return warning(name, fix, "Heapster's clock is %s ahead of the local one, and its newest samples lie in the future", show.Duration(ahead))
	case ahead < -farApart:
		return warning(name, fix, "Heapster's clock is %s behind the local one", show.Duration(-ahead))
	default:
		return ok(name, "Heapster's clock and the local one agree")
	}
}

// Freshness says whether Heapster still makes batches. now is Heapster's time, as far
// as it is known.
func Freshness(ctx context.Context, c *heapster.Client, o Observation, now time.Time) Finding {
	const name = "freshness"
	const fix = "look at Heapster's log for kubelets that do not answer, or restart it"
	newest := o.Newest()
	if newest == 0 {
		return fault(name, fix, "Heapster has no batch")
	}
	if ahead := newest.Time().Sub(now); ahead > schema.StaleAge {
		return warning(name, "let NTP set the clock of Heapster's node: samples carry its time",
			"the newest batch lies in the future: it is of %v, %s ahead", newest, show.Duration(ahead))
	}
	age := max(now.Sub(newest.Time()), 0)
	err := c.Healthz(ctx)
	var status *failure.StatusError
	switch {
	case errors.As(err, &status) && status.Code == http.StatusInternalServerError && !status.FromAPIServer:
		return fault(name, fix, "the newest batch is %s old, of %v, and Heapster calls itself unwell: %s", show.Duration(age), newest, status.Message)
	case err != nil && age > schema.StaleAge:
		return fault(name, fix, "the newest batch is %s old, of %v", show.Duration(age), newest)
	case err != nil:
		return ok(name, "the newest batch is %s old; /healthz does not answer here", show.Duration(age))
	case age > schema.StaleAge:
		return warning(name, "compare Heapster's clock with the local one",
			"the newest batch is %s old, of %v, though Heapster calls itself well", show.Duration(age), newest)
	default:
		return ok(name, "the newest batch is %s old, and /healthz is ok", show.Duration(age))
	}
}

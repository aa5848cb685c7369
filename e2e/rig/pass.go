package rig

import (
	"context"
	"errors"
	"net/url"
	"testing"

	"heapstash/archive/collect"
	"heapstash/archive/sqlite"
	"heapstash/heapster"
)

// NewClient returns a client of the Heapster at a URL that asks once. Its
// connections end with the test.
func NewClient(tb testing.TB, base string) *heapster.Client {
	tb.Helper()
	parsed, err := url.Parse(base)
	if err != nil {
		tb.Fatal(err)
	}
	direct, err := heapster.DirectClient(heapster.DirectOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(direct.CloseIdleConnections)
	client, err := heapster.New(direct, parsed, heapster.Options{Tries: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// Pass makes a pass in this process, as `heapstash collect` does. Wrap, if it is
// not nil, returns the store that the pass sees in place of the archive.
func Pass(ctx context.Context, client *heapster.Client, path string, o collect.Options, wrap func(*sqlite.Store) collect.Store) (collect.Summary, error) {
	store, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return collect.Summary{}, err
	}
	var into collect.Store = store
	if wrap != nil {
		into = wrap(store)
	}
	summary, err := collect.Run(ctx, client, into, o)
	return summary, errors.Join(err, store.Close())
}

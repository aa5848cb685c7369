package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// passer makes passes, each with a client of its own, and with the archive
// open, and so its lock held, for no longer than that pass.
type passer struct {
	cfg            Config
	acceptNewNodes bool
	log            *slog.Logger
	now            func() time.Time
}

// pass makes one. The summary is valid with an error too; it is zero if the
// pass did not begin.
func (p passer) pass(ctx context.Context) (collect.Summary, error) {
	conn, err := p.cfg.wayIn(ctx)
	if err != nil {
		return collect.Summary{}, err
	}
	defer conn.HTTP.CloseIdleConnections()
	client, err := heapster.New(conn.HTTP, conn.Heapster, p.cfg.clientOptions())
	if err != nil {
		return collect.Summary{}, err
	}
	opts := p.options()
	if p.cfg.Collect.Enrich {
		if opts.Enricher, err = kube.NewLister(conn, p.cfg.clientOptions()); err != nil {
			return collect.Summary{}, err
		}
	}
	if err := p.knock(ctx, client); err != nil {
		return collect.Summary{}, err
	}
	store, err := p.open(ctx)
	if err != nil {
		return collect.Summary{}, err
	}
	summary, err := collect.Run(ctx, client, store, opts)
	if closing := store.Close(); closing != nil {
		err = errors.Join(err, closing)
	}
	return summary, err
}

// knock asks Heapster for something small where there is no archive yet, so
// that a way in that leads nowhere does not leave an empty one behind. Later
// failures are the ledger's.
func (p passer) knock(ctx context.Context, client *heapster.Client) error {
	info, err := os.Stat(p.cfg.DBFile)
	if err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err = client.MetricNames(ctx, schema.ClusterEntity())
	return err
}

// open opens the archive, and says so when it has to wait for it.
func (p passer) open(ctx context.Context) (*archive.Store, error) {
	store, err := archive.Open(ctx, p.cfg.DBFile, archive.Options{})
	if p.cfg.RetryLock == 0 || !errors.Is(err, schema.ErrLocked) {
		return store, err
	}
	p.log.Info("waiting for another writer of the archive", "at_most", p.cfg.RetryLock)
	return archive.Open(ctx, p.cfg.DBFile, archive.Options{LockWait: p.cfg.RetryLock})
}

func (p passer) options() collect.Options {
	opts := collect.DefaultOptions()
	opts.Cluster = p.cfg.ClusterName
	opts.Namespaces = p.cfg.Namespaces
	opts.ExcludeNamespaces = p.cfg.ExcludeNamespaces
	opts.Kinds = p.cfg.Kinds
	opts.AcceptNewNodes = p.acceptNewNodes
	opts.Containers = p.cfg.Collect.Containers
	opts.Budget = p.cfg.Collect.Budget
	opts.Concurrency = p.cfg.Concurrency
	opts.Version = buildInfo().Version
	opts.Now = p.now
	opts.Log = p.log
	return opts
}

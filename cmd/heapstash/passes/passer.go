// Package passes has what collect, run and demo share: making a pass with the
// settings, making passes on a schedule, and reporting them to people and to
// Prometheus.
package passes

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/access"
	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/heapster"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// Passer makes passes. Each pass has its own client, and opens the archive, and so
// holds its lock, only while it runs.
type Passer struct {
	Cfg            config.Config
	AcceptNewNodes bool
	Enricher       collect.Enricher // instead of Kubernetes; nil for Kubernetes
	Log            *slog.Logger
	Now            func() time.Time

	// archive is the ID of the archive that the first pass found or made. Later
	// passes do not write to another archive and do not make one: a disk may not be
	// mounted, or a file lost, and that must not go unnoticed.
	archive string
	warned  string
	// fresh is set if the first pass made the archive.
	fresh bool
	// NewLevel is the level at which a new archive is logged.
	NewLevel slog.Level
}

// Pass makes a pass. The summary is valid even with an error; it is zero if the pass
// did not begin.
func (p *Passer) Pass(ctx context.Context) (collect.Summary, error) {
	conn, err := access.Connect(ctx, p.Cfg)
	if err != nil {
		return p.unbegun(ctx, err)
	}
	defer conn.HTTP.CloseIdleConnections()
	client, err := heapster.New(conn.HTTP, conn.Heapster, access.ClientOptions(p.Cfg, conn.Way))
	if err != nil {
		return collect.Summary{}, err
	}
	opts := p.options()
	opts.Enricher = p.Enricher
	if p.Cfg.Collect.Enrich {
		if opts.Enricher, err = kube.NewLister(conn, access.ClientOptions(p.Cfg, conn.Way)); err != nil {
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
	fresh := p.fresh
	p.fresh = false
	summary, err := collect.Run(ctx, client, store, opts)
	p.warn(store) // of a replica that died meanwhile
	summary.Archive, summary.NewArchive = engine.Name(p.Cfg), fresh
	if closing := store.Close(); closing != nil {
		err = errors.Join(err, closing)
	}
	return summary, err
}

// unbegun records in the archive, if there is one, a pass that could not connect.
func (p *Passer) unbegun(ctx context.Context, reason error) (collect.Summary, error) {
	if p.archive == "" && !engine.Exists(ctx, p.Cfg) || ctx.Err() != nil {
		return collect.Summary{}, reason
	}
	store, err := p.open(ctx)
	if err != nil {
		p.Log.Warn("the pass that failed is not in the archive", "error", err)
		return collect.Summary{}, reason
	}
	summary, err := collect.Fail(ctx, store, p.options(), reason)
	return summary, errors.Join(err, store.Close())
}

// knock makes a small request to Heapster if there is no archive yet, so that a pass
// that cannot reach Heapster does not leave an empty archive behind.
func (p *Passer) knock(ctx context.Context, client *heapster.Client) error {
	if p.archive != "" || engine.Exists(ctx, p.Cfg) {
		return nil
	}
	_, err := client.MetricNames(ctx, schema.ClusterEntity())
	return err
}

// leastWait is how long a pass waits for the archive's lock at least. Upkeep, which may
// take hours, releases it every [engine.UpkeepLockTime].
const leastWait = 4 * engine.UpkeepLockTime

// open opens the archive. It logs if it has to wait for the lock, and if the file system
// is unfit for an archive.
func (p *Passer) open(ctx context.Context) (engine.Store, error) {
	opts := engine.Options{Expect: p.archive, LockWait: leastWait, Migrating: engine.LogMigration(p.Log)}
	there := p.archive != "" || engine.Exists(ctx, p.Cfg)
	store, err := engine.Open(ctx, p.Cfg, opts)
	if p.Cfg.RetryLock > 0 && errors.Is(err, archive.ErrLocked) {
		p.Log.Info("waiting for another writer of the archive", "at_most", p.Cfg.RetryLock)
		opts.LockWait = max(p.Cfg.RetryLock-leastWait, 0)
		store, err = engine.Open(ctx, p.Cfg, opts)
	}
	if err != nil {
		return nil, err
	}
	p.archive = store.ID()
	if !there {
		p.fresh = true
		p.Log.Log(ctx, p.NewLevel, "a new archive was made", "archive", engine.Name(p.Cfg))
	}
	if store.Warning() != "" {
		p.warn(store)
	}
	return store, nil
}

// warn logs the store's warning, unless it is the last one.
func (p *Passer) warn(store engine.Store) {
	if warning := store.Warning(); warning != p.warned {
		if p.warned = warning; warning != "" {
			p.Log.Warn(warning)
		}
	}
}

func (p *Passer) options() collect.Options {
	opts := collect.DefaultOptions()
	opts.Cluster = p.Cfg.ClusterName
	opts.Namespaces = p.Cfg.Namespaces
	opts.ExcludeNamespaces = p.Cfg.ExcludeNamespaces
	opts.ExcludePods = p.Cfg.ExcludePods
	opts.Kinds = p.Cfg.Kinds
	opts.AcceptNewNodes = p.AcceptNewNodes
	opts.Containers = p.Cfg.Collect.Containers
	opts.Budget = p.Cfg.Collect.Budget
	opts.Deadline = p.Cfg.Collect.Deadline
	opts.Concurrency = p.Cfg.Concurrency
	opts.MaxEntities, opts.MaxSamples = p.Cfg.Limits.Entities, p.Cfg.Limits.Samples
	opts.Version = build.Info().Version
	opts.Now = p.Now
	opts.Log = p.Log
	return opts
}

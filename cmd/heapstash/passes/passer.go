package passes

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
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

// Passer makes passes, each with a client of its own, and with the archive
// open, and so its lock held, for no longer than that pass.
type Passer struct {
	Cfg            config.Config
	AcceptNewNodes bool
	Enricher       collect.Enricher // in Kubernetes' stead; nil for none
	Log            *slog.Logger
	Now            func() time.Time

	// archive is the ID of the archive that the first pass found or made. No
	// later pass writes to another one, or makes one anew: that would be to
	// go on in silence when a disk is not mounted, or a file was lost.
	archive string
	warned  bool
	// fresh is set where the first pass made the archive.
	fresh bool
	// newLevel is at which level that is logged.
	NewLevel slog.Level
}

// Pass makes one. The summary is valid with an error too; it is zero if the
// pass did not begin.
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
	summary.Archive, summary.NewArchive = p.path(), fresh
	if closing := store.Close(); closing != nil {
		err = errors.Join(err, closing)
	}
	return summary, err
}

// unbegun notes in the archive, if there is one, a pass that found no way in.
func (p *Passer) unbegun(ctx context.Context, reason error) (collect.Summary, error) {
	if p.archive == "" && !p.archiveExists() || ctx.Err() != nil {
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

// knock asks Heapster for something small where there is no archive yet, so
// that a way in that leads nowhere does not leave an empty one behind. Later
// failures are the ledger's.
func (p *Passer) knock(ctx context.Context, client *heapster.Client) error {
	if p.archive != "" || p.archiveExists() {
		return nil
	}
	_, err := client.MetricNames(ctx, schema.ClusterEntity())
	return err
}

// archiveExists reports whether there is something at the archive's path,
// whatever it is; opening it tells.
func (p *Passer) archiveExists() bool {
	info, err := os.Stat(p.Cfg.DBFile)
	return err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// leastWait is how long a pass waits for the archive in any case: upkeep, which
// may take hours, gives the lock back every [engine.UpkeepTurn].
const leastWait = 4 * engine.UpkeepTurn

// open opens the archive, and says so when it has to wait for it, or when it
// lies on a disk that is not fit for one.
func (p *Passer) open(ctx context.Context) (*engine.Store, error) {
	opts := engine.OptionsOf(p.Cfg)
	opts.Expect, opts.Migrating = p.archive, engine.LogMigration(p.Log)
	opts.LockWait = leastWait
	there := p.archive != "" || p.archiveExists()
	store, err := engine.Open(ctx, p.Cfg.DBFile, opts)
	if p.Cfg.RetryLock > 0 && errors.Is(err, archive.ErrLocked) {
		p.Log.Info("waiting for another writer of the archive", "at_most", p.Cfg.RetryLock)
		opts.LockWait = max(p.Cfg.RetryLock-leastWait, 0)
		store, err = engine.Open(ctx, p.Cfg.DBFile, opts)
	}
	if err != nil {
		return nil, err
	}
	p.archive = store.ID()
	if !there {
		p.fresh = true
		p.Log.Log(ctx, p.NewLevel, "a new archive was made", "archive", p.path())
	}
	if warning := store.Warning(); warning != "" && !p.warned {
		p.Log.Warn(warning)
		p.warned = true
	}
	return store, nil
}

// path is where the archive is, whatever the working directory.
func (p *Passer) path() string {
	if absolute, err := filepath.Abs(p.Cfg.DBFile); err == nil {
		return absolute
	}
	return p.Cfg.DBFile
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

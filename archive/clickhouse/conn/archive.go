package conn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"heapstash/archive"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// The names in the table setting.
const (
	settingFormat = "format"
	settingID     = "archive_id"
	settingViews  = "views"
)

// Info is what an archive says of itself.
type Info struct {
	Format int
	ID     string // random; a copy by hand has the same
	views  string // of the program that made the views
}

// Open connects to an archive. The errors wrap [archive.ErrNoArchive],
// [archive.ErrNotArchive] or [archive.ErrNewerArchive] if the database is none that this
// program knows.
func Open(ctx context.Context, address string, opts Options) (*Conn, Info, error) {
	c, err := Connect(ctx, address, opts)
	if err != nil {
		if IsMissing(err) {
			a, _ := ParseAddress(address)
			err = (&Conn{Address: a}).errNoArchive()
		}
		return nil, Info{}, err
	}
	info, err := c.info(ctx)
	if err == nil && info.Format == 0 {
		err = c.errNoArchive()
	}
	if err != nil {
		return nil, Info{}, errors.Join(c.Explain(err), c.Close())
	}
	return c, info, nil
}

// OpenOrMake is Open, but makes an archive if there is none. Several programs may do so
// at once.
func OpenOrMake(ctx context.Context, address string, opts Options) (*Conn, Info, error) {
	c, info, err := Open(ctx, address, opts)
	if err == nil && info.views == fingerprint(c.Dialect, c.Layout) || err != nil && !errors.Is(err, archive.ErrNoArchive) {
		return c, info, err
	}
	if c != nil {
		// Another heapstash made the views. Passes do not need them.
		if err := errors.Join(c.run(ctx, c.Dialect.DropViews(c.Layout)), c.run(ctx, c.Dialect.Views(c.Layout)), c.describe(ctx, info)); err != nil && !isDenied(err) {
			return nil, Info{}, errors.Join(c.Explain(err), c.Close())
		}
		return c, info, nil
	}
	a, err := ParseAddress(address)
	if err != nil {
		return nil, Info{}, err
	}
	server, err := connect(ctx, a, "", opts)
	if err != nil {
		return nil, Info{}, err
	}
	err = server.make(ctx)
	if isDenied(err) { // the tables may be made by hand
		if missing, failed := server.Missing(ctx); failed == nil && missing == "" {
			err = nil
		}
	}
	if err := errors.Join(err, server.Close()); err != nil {
		return nil, Info{}, server.Explain(err)
	}
	if c, err = Connect(ctx, address, opts); err != nil {
		return nil, Info{}, err
	}
	err = c.describe(ctx, Info{Format: tables.Format, ID: strings.ToLower(rand.Text())})
	if err == nil {
		info, err = c.described(ctx)
	}
	if err != nil {
		return nil, Info{}, errors.Join(c.Explain(err), c.Close())
	}
	return c, info, nil
}

// make makes the database, the tables and the views.
func (c *Conn) make(ctx context.Context) error {
	for _, statements := range [][]string{{c.Dialect.MakeDatabase()}, c.Dialect.MakeTables(c.Layout), c.Dialect.Views(c.Layout)} {
		if err := c.run(ctx, statements); err != nil {
			return err
		}
	}
	return nil
}

// Missing returns the name of a table or view that the database does not have, empty if it
// has all of them.
func (c *Conn) Missing(ctx context.Context) (name string, err error) {
	there := make(map[string]bool)
	err = c.Each(ctx, func(rows driver.Rows) error {
		var name string
		err := rows.Scan(&name)
		there[name] = true
		return err
	}, "SELECT name FROM system.tables WHERE database = ?", c.Address.Database)
	if err != nil {
		return "", err
	}
	for _, name := range c.Dialect.Names(c.Layout) {
		if !there[name] {
			return name, nil
		}
	}
	return "", nil
}

// run runs statements, several at once, because one ON CLUSTER waits for every server.
func (c *Conn) run(ctx context.Context, statements []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, s := range statements {
		group.Go(func() error { return c.Exec(ctx, s) })
	}
	return group.Wait()
}

// info reads what the archive says of itself. The format is 0 if the database is empty.
func (c *Conn) info(ctx context.Context) (info Info, err error) {
	var own, others uint64
	var engine string // of the table, such as Distributed('prod', 'heapstash', 'setting_local', ...)
	name := c.Layout.Setting.Rows()
	err = c.QueryRow(ctx, "SELECT countIf(name = ?), countIf(name != ?), anyIf(engine_full, name = ?) FROM system.tables WHERE database = ?", name, name, name, c.Address.Database).Scan(&own, &others, &engine)
	switch {
	case err != nil:
		return info, err
	case own == 0 && others > 0:
		return info, c.foreign(ctx)
	case own == 0:
		return info, nil
	}
	if err := c.checkEngine(engine); err != nil {
		return info, err
	}
	err = c.Each(ctx, func(rows driver.Rows) error {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		switch name {
		case settingFormat:
			info.Format, err = strconv.Atoi(value)
		case settingID:
			info.ID = value
		case settingViews:
			info.views = value
		}
		return err
	}, "SELECT name, value FROM "+c.Layout.Setting.Rows()+" FINAL WHERE deleted = 0")
	if err == nil && info.Format > tables.Format {
		err = schema.WithHint(fmt.Errorf("%w: its format is %d, this program knows %d", archive.ErrNewerArchive, info.Format, tables.Format), "use the newer heapstash")
	}
	return info, err
}

// checkEngine returns an error if the address names a cluster and the tables are of one
// server, or the other way round: passes would miss servers, or rows of other servers.
func (c *Conn) checkEngine(engine string) error {
	arguments, distributed := strings.CutPrefix(engine, "Distributed(")
	switch {
	case distributed && c.Address.Cluster == "":
		name, _, _ := strings.Cut(arguments, ",")
		return schema.WithHint(fmt.Errorf("archive %s: its tables are of a cluster of servers, which the address does not name", c.Address),
			"write ?cluster="+url.QueryEscape(strings.Trim(name, "`'\""))+" behind the database")
	case !distributed && c.Address.Cluster != "":
		return schema.WithHint(fmt.Errorf("archive %s: its tables are of one server, and the address names the cluster %q", c.Address, c.Address.Cluster),
			"leave ?cluster= out, or name another database: heapstash copy moves the archive to it")
	}
	return nil
}

// described returns what a new archive says of itself, which another program may have
// written first. The replica that answers may not have it for a moment; one that is
// further behind gives an error.
func (c *Conn) described(ctx context.Context) (Info, error) {
	for {
		if info, err := c.info(ctx); info.ID != "" || err != nil {
			return info, err
		}
		select {
		case <-ctx.Done():
			return Info{}, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// foreign returns the error of a database that has tables of others, but not of an
// archive that is being made.
func (c *Conn) foreign(ctx context.Context) error {
	own := make(map[string]bool)
	for _, t := range c.Layout.Tables() {
		own[t.Rows()], own[t.Local()] = true, true
	}
	var table string
	err := c.Each(ctx, func(rows driver.Rows) error {
		var name string
		err := rows.Scan(&name)
		if !own[name] {
			table = name
		}
		return err
	}, "SELECT name FROM system.tables WHERE database = ?", c.Address.Database)
	if err != nil || table == "" {
		return err
	}
	return schema.WithHint(fmt.Errorf("%w: the database %s has a table %s", archive.ErrNotArchive, c.Address.Database, table), "name another database: heapstash needs one of its own")
}

// describe writes what the archive says of itself, and the registry's metrics. What is
// written first counts, so that two programs agree.
func (c *Conn) describe(ctx context.Context, info Info) error {
	t := c.Layout.Setting
	first := ^Revision()
	err := c.Insert(ctx, t, [][]any{
		{settingFormat, strconv.Itoa(info.Format), uint8(0), first},
		{settingID, info.ID, uint8(0), first},
		{settingViews, fingerprint(c.Dialect, c.Layout), uint8(0), Revision()},
	})
	if err != nil {
		return err
	}
	var rows [][]any
	for _, m := range schema.Registry() {
		column := ""
		if len(m.Kinds) > 0 || m.Family != schema.Unlabelled {
			column = m.Column()
		}
		rows = append(rows, []any{string(m.Name), column, string(m.Unit), string(m.Type), m.Meaning(), uint8(0), Revision()})
	}
	return c.Insert(ctx, c.Layout.Metric, rows)
}

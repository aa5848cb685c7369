package conn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive/sqlite/pages"
)

// connector opens connections to a file. It implements [driver.Connector].
type connector struct {
	driver *sqlite3.SQLiteDriver
	source string
	// file is open as long as connections: see [pages.Descriptor]. It is nil if this
	// process cannot open the file; neither can SQLite then.
	file *pages.Descriptor
}

// newConnector has the pragmas in the data source name, where they hold for every
// connection. The file is given by its absolute path.
func newConnector(file, mode string, pragmas url.Values, hook func(*sqlite3.SQLiteConn) error) connector {
	pragmas.Set("mode", mode)
	if !pragmas.Has("_busy_timeout") {
		pragmas.Set("_busy_timeout", busyWriteAhead)
	}
	source := url.URL{Scheme: "file", Path: file, RawQuery: pragmas.Encode()}
	c := connector{driver: &sqlite3.SQLiteDriver{ConnectHook: hook}, source: source.String()}
	if opened, err := pages.OpenDescriptor(file); err == nil {
		c.file = opened
	}
	return c
}

// Connect implements [driver.Connector].
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.source) }

// Driver implements [driver.Connector].
func (c connector) Driver() driver.Driver { return c.driver }

// Close is called after the connections are closed.
func (c connector) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// OpenDB opens the file with the pragmas. There is one connection: a writer needs no more.
func OpenDB(path, mode string, pragmas url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(newConnector(absolute, mode, pragmas, nil))
	db.SetMaxOpenConns(1)
	return db, nil
}

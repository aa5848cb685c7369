package pages

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/internal/need"
)

// fixture has all that a file can have: rows of every type, some that go on in
// overflow pages, several levels of pages, an index, and gaps in the rowids.
const fixture = `
	CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT);
	CREATE TABLE w (k INTEGER, name TEXT, v, PRIMARY KEY (name, k)) WITHOUT ROWID;
	CREATE INDEX t_b ON t (b);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
	INSERT INTO t SELECT i * i - 3000000, CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN 1 WHEN 3 THEN -i WHEN 4 THEN i * 0.25
		WHEN 5 THEN 9223372036854775807 - i WHEN 6 THEN zeroblob(i % 50) WHEN 7 THEN i << 20 ELSE i << 36 END, 'row ' || i FROM n;
	UPDATE t SET a = printf('%.*c', id % 30000 + 3, 'x') WHERE id % 97 = 0;
	INSERT INTO w (k, name, v) SELECT id, 'n' || (id % 100), a FROM t;`

// shell runs a script in the stock shell.
func shell(t *testing.T, path, script string) string {
	t.Helper()
	out, err := exec.Command(need.Program(t, "sqlite3"), "-bail", path, script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// stocks are a tree's rows as the stock shell has them.
var stocks = map[string]string{
	"t":   "SELECT quote(id), 'NULL', quote(a), quote(b) FROM t NOT INDEXED ORDER BY id",
	"w":   "SELECT 0, quote(name), quote(k), quote(v) FROM w ORDER BY name, k",
	"t_b": "SELECT 0, quote(b), quote(id) FROM t ORDER BY b",
}

var keysOf = map[string]int{"t": 0, "w": 2, "t_b": 2}

func spell(rowid int64, row []any) string {
	fields := []string{fmt.Sprint(rowid)}
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			fields = append(fields, "NULL")
		case string:
			fields = append(fields, "'"+v+"'")
		case []byte:
			fields = append(fields, fmt.Sprintf("X'%X'", v))
		case float64:
			text := fmt.Sprint(v)
			if !strings.ContainsAny(text, ".e") {
				text += ".0"
			}
			fields = append(fields, text)
		default:
			fields = append(fields, fmt.Sprint(v))
		}
	}
	return strings.Join(fields, "|")
}

// read returns a tree's rows, and holds that their keys are in order.
func read(t *testing.T, path, name string) (rows []string, damage Damage) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	trees, damage, err := f.Trees()
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range trees {
		if tree.Name != name {
			continue
		}
		var last []any
		damage, err = f.Rows(tree.Root, keysOf[name], func(rowid int64, row []any) error {
			key := []any{rowid}
			if n := keysOf[name]; n > 0 {
				key = row[:n]
			}
			if last != nil && compareKeys(last, key) >= 0 {
				t.Fatalf("%v comes after %v", key, last)
			}
			last = key
			rows = append(rows, spell(rowid, row))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows, damage
}

func TestRowsOfAWholeFile(t *testing.T) {
	for _, pageSize := range []int{512, 4096, 65536} {
		path := filepath.Join(t.TempDir(), "a.db")
		shell(t, path, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL; BEGIN; %s COMMIT", pageSize, fixture))
		for name, query := range stocks {
			want := strings.Split(shell(t, path, query), "\n")
			rows, damage := read(t, path, name)
			if damage != (Damage{}) {
				t.Errorf("%s: %+v", name, damage)
			}
			if len(rows) != len(want) {
				t.Fatalf("%s has %d rows, want %d", name, len(rows), len(want))
			}
			for i := range rows {
				if rows[i] != want[i] {
					t.Fatalf("pages of %d, %s: got\n%.200s\nwant\n%.200s", pageSize, name, rows[i], want[i])
				}
			}
		}
	}
}

// TestRowsOfADamagedFile: what is read was there, in its place.
func TestRowsOfADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	shell(t, path, "PRAGMA page_size = 1024; BEGIN; "+fixture+" COMMIT")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := make(map[string]map[string]bool)
	for name := range stocks {
		before[name] = make(map[string]bool)
		rows, _ := read(t, path, name)
		for _, row := range rows {
			before[name][row] = true
		}
	}
	pages := len(content) / 1024
	var lost, kept int
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		damaged := bytes.Clone(content)
		page := func() []byte { return damaged[(1+random.IntN(pages-1))*1024:][:1024] }
		bits := seed%3 == 0
		for range 30 {
			switch to := page(); {
			case bits:
				to[random.IntN(1024)] ^= 1 << random.IntN(8)
			case random.IntN(2) == 0:
				copy(to, page()) // of a misdirected write
			default:
				for i := range to {
					to[i] = byte(random.Uint32())
				}
				to[0] = []byte{2, 5, 10, 13}[random.IntN(4)]
			}
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		for name := range stocks {
			rows, damage := read(t, path, name)
			if !bits { // nothing tells a bit within a value
				for _, row := range rows {
					if !before[name][row] && !strings.Contains(row, "xxx") {
						t.Fatalf("seed %d: %s never had the row\n%.200s", seed, name, row)
					}
				}
				if len(rows) < len(before[name]) && damage == (Damage{}) {
					t.Errorf("seed %d: %d rows of %s are lost, and nothing is said of it", seed, len(before[name])-len(rows), name)
				}
			}
			kept += len(rows)
			lost += len(before[name]) - len(rows)
		}
	}
	t.Logf("%d rows read, %d lost", kept, lost)
	if kept < 20*lost/10 {
		t.Errorf("%d rows read, and %d lost", kept, lost)
	}
}

// TestLog: what a write-ahead log has committed counts, and a transaction that
// was cut off does not.
func TestLog(t *testing.T) {
	from := filepath.Join(t.TempDir(), "a.db")
	path := filepath.Join(t.TempDir(), "a.db")
	shell(t, from, "PRAGMA journal_mode = WAL; BEGIN; "+fixture+" COMMIT")
	// While a shell has it open, the log is not brought into the file.
	open := exec.Command(need.Program(t, "sqlite3"), from)
	in, err := open.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := open.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := open.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, "PRAGMA wal_autocheckpoint = 0; DELETE FROM t WHERE id < 0; UPDATE t SET b = 'new'; INSERT INTO t (a) VALUES (1); SELECT 'done';")
	for line := ""; !strings.Contains(line, "done"); {
		buffer := make([]byte, 100)
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		line += string(buffer[:n])
	}
	for _, beside := range []string{"", "-wal"} {
		content, err := os.ReadFile(from + beside)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+beside, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split(shell(t, from, stocks["t"]), "\n")
	in.Close()
	if err := open.Wait(); err != nil {
		t.Fatal(err)
	}
	hold := func(want []string) {
		t.Helper()
		rows, damage := read(t, path, "t")
		if damage != (Damage{}) || strings.Join(rows, "\n") != strings.Join(want, "\n") {
			t.Errorf("%d rows, want %d; %+v", len(rows), len(want), damage)
		}
	}
	hold(want)
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path+"-wal", info.Size()-100); err != nil { // within the last transaction
		t.Fatal(err)
	}
	hold(want[:len(want)-1])
}

func TestHotJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	shell(t, path, fixture)
	if err := os.WriteFile(path+"-journal", []byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and so on"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(path); !errors.Is(err, ErrHotJournal) {
		t.Errorf("%v, %v", f, err)
	}
	if err := os.WriteFile(path+"-journal", make([]byte, 512), 0o600); err != nil {
		t.Fatal(err)
	}
	if rows, _ := read(t, path, "t"); len(rows) != 6000 {
		t.Errorf("after a transaction that ended: %d rows", len(rows))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{3, 1, 7, 5, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, payload []byte) {
		values, ok := decode(payload)
		if ok && len(values) > len(payload) {
			t.Errorf("%d values of %d bytes", len(values), len(payload))
		}
	})
}

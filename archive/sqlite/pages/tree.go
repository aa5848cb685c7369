package pages

import (
	"encoding/binary"
	"slices"
)

// Tree is a table or an index of the file.
type Tree struct {
	Kind string // "table", "index" or "view", which has no Root
	Name string
	Root uint32 // its first page
	SQL  string // that made it; empty for SQLite's own
}

// Damage counts what could not be read of a tree.
type Damage struct {
	Pages int64 // pages that do not belong to the tree
	Rows  int64 // rows that are damaged, or not where their key belongs
}

// Trees returns the file's tables, indexes and views.
func (f *File) Trees() ([]Tree, Damage, error) {
	var trees []Tree
	damage, err := f.Rows(1, 0, func(_ int64, row []any) error {
		if len(row) != 5 {
			return nil
		}
		var t Tree
		t.Kind, _ = row[0].(string)
		t.Name, _ = row[1].(string)
		root, _ := row[3].(int64)
		t.Root = uint32(root)
		t.SQL, _ = row[4].(string)
		trees = append(trees, t)
		return nil
	})
	return trees, damage, err
}

// Rows calls visit for every row that can be read, in the order of the keys, and
// skips damage between them. A row must be where its key belongs, so that a page
// of another tree is not read as a part of this one. With zero keys, the tree is a
// table with rowids. Otherwise it is an index or a WITHOUT ROWID table, whose rows
// begin with that many key columns. The error is visit's.
func (f *File) Rows(root uint32, keys int, visit func(rowid int64, row []any) error) (Damage, error) {
	w := walk{File: f, keys: keys, visit: visit, seen: make(map[uint32]bool)}
	err := w.page(root, nil, nil, 0)
	return w.damage, err
}

// walk is a traversal of a tree.
type walk struct {
	*File
	keys   int
	visit  func(int64, []any) error
	seen   map[uint32]bool // inner pages, to which a damaged pointer may lead back
	damage Damage
}

// The types of pages. A table with rowids has the last two.
const (
	innerIndex = 0x02
	leafIndex  = 0x0a
	innerTable = 0x05
	leafTable  = 0x0d
)

// cell is an entry of a page: a row, or a pointer to a child page, or both.
type cell struct {
	child uint32 // of an inner page: the page with the smaller keys
	rowid int64
	row   []any // nil on inner pages of tables
	key   []any // nil if the cell is damaged
}

// maxDepth is more than any tree needs: a page has two children at least.
const maxDepth = 40

// page visits the rows of a page and of the pages below it whose keys are after lo
// and before hi. Nil means no bound. (In a table, the key of an inner cell may be
// that of the last row before it.)
func (w *walk) page(n uint32, lo, hi []any, depth int) error {
	if depth > maxDepth || w.seen[n] {
		w.damage.Pages++
		return nil
	}
	page, ok := w.File.page(n)
	if !ok {
		w.damage.Pages++
		return nil
	}
	cells, right, inner, ok := w.cells(page, n)
	if !ok {
		w.damage.Pages++
		return nil
	}
	if inner {
		w.seen[n] = true
	}
	w.dropMisplaced(cells, lo, hi)
	for i, c := range cells {
		if inner {
			next := hi
			if j := slices.IndexFunc(cells[i:], func(c cell) bool { return c.key != nil }); j >= 0 {
				next = cells[i+j].key
			}
			if err := w.page(c.child, lo, next, depth+1); err != nil {
				return err
			}
		}
		if c.key == nil {
			w.damage.Rows++
			continue
		}
		lo = c.key
		if c.row != nil {
			if err := w.visit(c.rowid, c.row); err != nil {
				return err
			}
		}
	}
	if inner {
		return w.page(right, lo, hi, depth+1)
	}
	return nil
}

// dropMisplaced removes the keys of cells that are outside the bounds or not in
// order, as few as possible.
func (w *walk) dropMisplaced(cells []cell, lo, hi []any) {
	var order []int // of cells
	sorted := true
	for i := range cells {
		c := &cells[i]
		if c.key == nil {
			continue
		}
		above := hi != nil && compareKeys(c.key, hi) >= 0
		if w.keys == 0 {
			above = hi != nil && compareKeys(c.key, hi) > 0
		}
		if above || lo != nil && compareKeys(c.key, lo) <= 0 {
			c.key = nil
			continue
		}
		if len(order) > 0 && compareKeys(cells[order[len(order)-1]].key, c.key) >= 0 {
			sorted = false
		}
		order = append(order, i)
	}
	if sorted {
		return
	}
	// The longest increasing subsequence stays.
	length, before := make([]int, len(order)), make([]int, len(order))
	best := 0
	for i := range order {
		length[i], before[i] = 1, -1
		for j := range i {
			if length[j] >= length[i] && compareKeys(cells[order[j]].key, cells[order[i]].key) < 0 {
				length[i], before[i] = length[j]+1, j
			}
		}
		if length[i] > length[best] {
			best = i
		}
	}
	keep := make(map[int]bool)
	for i := best; i >= 0; i = before[i] {
		keep[order[i]] = true
	}
	for _, i := range order {
		if !keep[i] {
			cells[i].key = nil
		}
	}
}

// cells reads a page of the tree. The last child of an inner page is not a cell but
// right.
func (w *walk) cells(page []byte, n uint32) (cells []cell, right uint32, inner, ok bool) {
	header := page
	if n == 1 {
		header = page[headerSize:]
	}
	var size int
	switch kind := header[0]; {
	case w.keys > 0 && kind == leafIndex, w.keys == 0 && kind == leafTable:
		size = 8
	case w.keys > 0 && kind == innerIndex, w.keys == 0 && kind == innerTable:
		size, inner = 12, true
		right = binary.BigEndian.Uint32(header[8:])
	default:
		return nil, 0, false, false
	}
	count := int(binary.BigEndian.Uint16(header[3:]))
	if count > (w.usable-size)/4 {
		return nil, 0, false, false
	}
	pointers := header[size:]
	if 2*count > len(pointers) {
		return nil, 0, false, false
	}
	cells = make([]cell, count)
	content := len(page) - len(pointers) + 2*count
	for i := range cells {
		at := int(binary.BigEndian.Uint16(pointers[2*i:]))
		if at >= content && at < w.usable {
			cells[i] = w.cell(page[at:w.usable], inner)
		}
	}
	return cells, right, inner, true
}

// cell decodes the entry at the beginning of data.
func (w *walk) cell(data []byte, inner bool) (c cell) {
	if inner {
		if len(data) < 4 {
			return cell{}
		}
		c.child, data = binary.BigEndian.Uint32(data), data[4:]
	}
	if inner && w.keys == 0 {
		if rowid, _, ok := varint(data); ok {
			c.key = []any{rowid}
		}
		return c
	}
	length, data, ok := varint(data)
	if !ok || length < 0 || length > maxPayload {
		return c
	}
	if w.keys == 0 {
		if c.rowid, data, ok = varint(data); !ok {
			return c
		}
	}
	payload, ok := w.payload(data, int(length))
	if !ok {
		return c
	}
	row, ok := decode(payload)
	switch {
	case !ok || len(row) < w.keys:
	case w.keys == 0:
		c.row, c.key = row, []any{c.rowid}
	default:
		c.row, c.key = row, row[:w.keys]
	}
	return c
}

// payload returns length bytes, which begin in data and may continue in overflow
// pages.
func (w *walk) payload(data []byte, length int) ([]byte, bool) {
	most, least := w.usable-35, (w.usable-12)*32/255-23
	if w.keys > 0 {
		most = (w.usable-12)*64/255 - 23
	}
	if length <= most {
		if length > len(data) {
			return nil, false
		}
		return data[:length], true
	}
	local := least + (length-least)%(w.usable-4)
	if local > most {
		local = least
	}
	if local+4 > len(data) {
		return nil, false
	}
	payload := make([]byte, 0, min(length, 1<<16))
	payload = append(payload, data[:local]...)
	next := binary.BigEndian.Uint32(data[local:])
	for len(payload) < length {
		page, ok := w.File.page(next)
		if !ok {
			return nil, false
		}
		next = binary.BigEndian.Uint32(page)
		payload = append(payload, page[4:min(w.usable, 4+length-len(payload))]...)
	}
	return payload, next == 0
}

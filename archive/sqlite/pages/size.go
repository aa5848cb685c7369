package pages

// Pages counts the pages of a tree by its inner pages, without the overflow pages
// of long rows. Damaged pages, and the pages below them, do not count.
func (f *File) Pages(root uint32) int64 {
	return f.count(root, make(map[uint32]bool))
}

func (f *File) count(n uint32, seen map[uint32]bool) int64 {
	page, ok := f.page(n)
	if !ok || seen[n] || len(seen) > int(f.pages) {
		return 0
	}
	header := page
	if n == 1 {
		header = page[headerSize:]
	}
	w := walk{File: f, keys: 1}
	if kind := header[0]; kind == innerTable || kind == leafTable {
		w.keys = 0
	}
	cells, right, inner, ok := w.cells(page, n)
	if !ok {
		return 0
	}
	if !inner {
		return 1
	}
	seen[n] = true
	// All leaves are as deep: where one child is one, the others need not be
	// read.
	pages := f.count(right, seen)
	if pages <= 1 {
		return 1 + pages*int64(len(cells)+1)
	}
	for _, c := range cells {
		pages += f.count(c.child, seen)
	}
	return 1 + pages
}

package lake

import (
	"iter"
)

// merge yields the rows of sorted sources in order. Rows of one key become one row: the
// cells of earlier sources stay where values differ.
func merge(sources []iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var heads []*head // in the order of sources
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for _, source := range sources {
			next, stop := iter.Pull2(source)
			h := &head{next: next, stop: stop}
			heads = append(heads, h)
			if err := h.advance(); err != nil {
				yield(Row{}, err)
				return
			}
		}
		var cells []Cell
		for {
			var first *head
			for _, h := range heads {
				if h.there && (first == nil || h.row.Compare(first.row) < 0) {
					first = h
				}
			}
			if first == nil {
				return
			}
			cells = append(cells[:0], first.row.Cells...)
			row := first.row
			row.Cells = cells
			for _, h := range heads {
				if !h.there || h.row.Compare(row) != 0 {
					continue
				}
				if h != first {
					row.meet(h.row)
				}
				if err := h.advance(); err != nil {
					yield(Row{}, err)
					return
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// head is the next row of a source.
type head struct {
	next  func() (Row, error, bool)
	stop  func()
	row   Row
	there bool
}

func (h *head) advance() error {
	row, err, there := h.next()
	h.row, h.there = row, there
	return err
}

// sorted yields rows of memory.
func sorted(rows []Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

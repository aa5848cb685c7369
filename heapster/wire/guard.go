package wire

import (
	"bytes"
	"io"

	"heapstash/schema"
)

// guard looks at JSON on its way to the decoder, which holds a whole string or
// number, all names of an object, and a level of nesting in memory, however
// large it is. It ends the stream at what is beyond the limits; whether it is
// JSON at all is the decoder's to find out.
type guard struct {
	from   io.Reader
	limits Limits

	quoted, escaped bool
	run             schema.Size // bytes of a string, of a number, or of nothing
	elements        []int       // commas in each array and object that is open
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.from.Read(p)
	if beyond := g.look(p[:n]); beyond != nil {
		return 0, beyond
	}
	return n, err
}

// structure marks the bytes that mean something between strings.
var structure = [256]bool{'"': true, ',': true, ':': true, '[': true, '{': true, ']': true, '}': true}

// look costs a fifth of what decoding does, for it skips most bytes.
func (g *guard) look(text []byte) error {
	for len(text) > 0 {
		n := g.plain(text)
		if g.run += schema.Size(n); g.run > g.limits.Text {
			return schema.Beyond("", "a text in JSON of more than %v", g.limits.Text)
		}
		if n == len(text) {
			return nil
		}
		if err := g.mark(text[n]); err != nil {
			return err
		}
		text = text[n+1:]
	}
	return nil
}

// plain is how many bytes go by before one that means something.
func (g *guard) plain(text []byte) int {
	switch {
	case g.escaped:
		g.escaped = false
		return 1
	case g.quoted:
		end := bytes.IndexByte(text, '"')
		if end < 0 {
			end = len(text)
		}
		if escape := bytes.IndexByte(text[:end], '\\'); escape >= 0 {
			return escape
		}
		return end
	}
	for i, c := range text {
		if structure[c] {
			return i
		}
	}
	return len(text)
}

// mark takes a byte that means something.
func (g *guard) mark(c byte) error {
	switch {
	case g.quoted && c == '"':
		g.quoted = false
	case g.quoted:
		g.escaped = c == '\\'
		g.run++
		return nil
	case c == '"':
		g.quoted = true
	case c == ',' && len(g.elements) > 0:
		last := &g.elements[len(g.elements)-1]
		if *last++; *last > g.limits.Entities {
			return schema.Beyond("limits.entities", "a list of more than %d elements", g.limits.Entities)
		}
	case c == '[', c == '{':
		if g.elements = append(g.elements, 1); len(g.elements) > deepest {
			return schema.Beyond("", "JSON nested deeper than %d", deepest)
		}
	case (c == ']' || c == '}') && len(g.elements) > 0:
		g.elements = g.elements[:len(g.elements)-1]
	}
	g.run = 0
	return nil
}

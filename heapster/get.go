package heapster

import (
	"context"
	"io"

	"heapstash/heapster/wire"
)

// get reads a page of Heapster's.
func get[T any](ctx context.Context, c *Client, route wire.Route, query wire.Query, page func(*wire.Decoder) (T, error)) (T, error) {
	path, err := route.Path()
	if err != nil {
		var none T
		return none, err
	}
	length := c.opts.Limits.AnswerLength()
	if route.Page == wire.ExportPage {
		length = c.opts.Limits.ExportLength()
	}
	return fetch(ctx, c, c.base+path+query.String(), length, decoder(c, page))
}

// Get reads a path below the client's base, with its query, that is not one of
// Heapster's. It has the same tries, errors and limits, so that an apiserver's
// other JSON can be read too. The answer is decoded as encoding/json/v2 does.
func Get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return fetch(ctx, c, c.base+path, c.opts.Limits.AnswerLength(), decoder(c, func(dec *wire.Decoder) (answer T, err error) {
		err = dec.Value(&answer)
		return answer, err
	}))
}

func decoder[T any](c *Client, page func(*wire.Decoder) (T, error)) func(io.Reader) (T, error) {
	return func(r io.Reader) (T, error) { return wire.Decode(r, c.opts.Limits, page) }
}

// skip reads a text to its end.
func skip(r io.Reader) (none struct{}, err error) {
	_, err = io.Copy(io.Discard, r)
	return none, err
}

package heapster

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"
)

// Get reads a path below the client's base, with its query, that is none of
// Heapster's: what else answers there in JSON, as an apiserver does, is read
// with the same tries and fails with the same errors. The answer is decoded as
// encoding/json/v2 does, and has at most Options.MaxBody bytes.
func Get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return fetchJSON(ctx, c, c.base+path, func(dec *jsontext.Decoder) (answer T, err error) {
		err = decodeValue(dec, &answer)
		return answer, err
	})
}

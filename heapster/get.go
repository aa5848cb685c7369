package heapster

import "context"

// Get reads a path below the client's base, with its query, that is none of
// Heapster's: what else answers there in JSON, as an apiserver does, is read
// with the same tries and fails with the same errors. The answer is decoded as
// encoding/json/v2 does, and is held to Options.Limits.
func Get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return fetchJSON(ctx, c, c.base+path, func(dec *decoder) (answer T, err error) {
		err = decodeValue(dec, &answer)
		return answer, err
	})
}

package heapster

import (
	"context"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Export reads metric-export: every node, pod, container and system container
// of Heapster's newest batch, in no order. It calls visit with one at a time
// and holds no more than that one, so that the answer may be far longer than
// memory, up to Options.Limits. Each is the visitor's to keep.
//
// A try that fails on the way is repeated from the start: visit then meets
// again what it has met, perhaps in a newer batch. That is harmless where one
// value is kept for each entity, metric and time, and wrong where visits are
// counted.
//
// An error of visit ends the export and is returned as it is. The visitor's
// time counts towards Options.Timeout, and a request is in flight meanwhile:
// visit should not send others.
//
// Before Heapster's first batch there is nothing to visit, and no error. The
// error of an export that is switched off is [schema.ErrExportDisabled].
func (c *Client) Export(ctx context.Context, visit func(schema.Exported) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var refusal error // of the visitor
	enabled, err := get(ctx, c, wire.Route{Page: wire.ExportPage}, wire.Query{}, func(dec *wire.Decoder) (bool, error) {
		return dec.Export(func(set schema.Exported) error {
			if refusal = visit(set); refusal != nil {
				stop()
			}
			return refusal
		})
	})
	switch {
	case refusal != nil:
		return refusal
	case err == nil && !enabled:
		return schema.ErrExportDisabled
	default:
		return err
	}
}

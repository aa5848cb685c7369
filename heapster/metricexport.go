package heapster

import (
	"context"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Export reads metric-export: every node, pod, container and system container of
// Heapster's newest batch, in no order. It calls visit with one entity at a time,
// so that the answer may be much longer than memory, up to Options.Limits. The
// visitor may keep each entity.
//
// A failed try is repeated from the start: visit then gets the same entities again,
// perhaps in a newer batch. A visitor that keeps one value for each entity, metric
// and time need not care; one that counts must.
//
// An error of visit ends the export and is returned. The visitor's time counts
// towards Options.Timeout, and its request is in flight: visit should send no other
// request.
//
// Before Heapster's first batch there are no entities and no error. For a disabled
// export the error is [schema.ErrExportDisabled].
func (c *Client) Export(ctx context.Context, visit func(schema.Exported) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var refusal error // the visitor's error
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

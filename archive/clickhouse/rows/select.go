package rows

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Select runs a statement of a user. It calls begin with the names of the columns, and
// then row with the values of each row, which it reuses: nil, int64, float64 or string.
// Their errors are returned as they are.
func (s Server) Select(ctx context.Context, statement string, begin func(columns []string) error, row func(values []any) error) error {
	result, err := s.Query(ctx, statement)
	if err != nil {
		return s.Wrap(ctx, err)
	}
	if err := copyRows(result, begin, row); err != nil {
		_ = result.Close()
		return err
	}
	return s.Wrap(ctx, result.Close())
}

func copyRows(result driver.Rows, begin func(columns []string) error, row func(values []any) error) error {
	if err := begin(result.Columns()); err != nil {
		return err
	}
	types := result.ColumnTypes()
	into, values := make([]any, len(types)), make([]any, len(types))
	for i, t := range types {
		into[i] = reflect.New(t.ScanType()).Interface()
	}
	for result.Next() {
		if err := result.Scan(into...); err != nil {
			return err
		}
		for i := range into {
			values[i] = plain(reflect.ValueOf(into[i]).Elem())
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return nil
}

// plain returns the value as nil, int64, float64 or string.
func plain(v reflect.Value) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return int64(v.Uint())
	case v.CanFloat():
		return v.Float()
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return map[bool]int64{true: 1}[v.Bool()]
	}
	if at, is := v.Interface().(time.Time); is {
		return at.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(v.Interface())
}

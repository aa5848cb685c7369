package read

import (
	"context"
	"database/sql"
	"slices"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
)

const selectDescribed = `SELECT v.name, c.name FROM sqlite_schema v JOIN pragma_table_info(v.name) c
	WHERE v.type = ? AND v.name NOT LIKE 'sqlite%' ORDER BY v.rowid, c.cid`

// Views describes the archive's views or tables, in the order in which they were
// created.
func Views(ctx context.Context, r *conn.Reader, ofTables bool) ([]tables.View, error) {
	kind := "view"
	if ofTables {
		kind = "table"
	}
	var views []tables.View
	err := conn.Each(ctx, r.DB, func(rows *sql.Rows) error {
		var view, column string
		if err := rows.Scan(&view, &column); err != nil {
			return err
		}
		if len(views) == 0 || views[len(views)-1].Name != view {
			views = append(views, tables.View{Name: view, Meaning: tables.MeaningOfView(view)})
		}
		v := &views[len(views)-1]
		c := tables.DescribeColumn(view, column)
		if ofTables {
			// Tables encode columns in other ways than views, except metrics.
			v.Meaning = ""
			if m, ok := tables.DescribeMetric(column); ok {
				c = m
			} else {
				c = tables.ViewColumn{Name: column}
			}
		}
		v.Columns = append(v.Columns, c)
		return nil
	}, selectDescribed, kind)
	return views, conn.WithRemedy(r.Path, err)
}

const selectFunctions = `SELECT DISTINCT name FROM pragma_function_list ORDER BY name`

// Functions returns the names of the SQL functions that a query may call.
func Functions(ctx context.Context, r *conn.Reader) ([]string, error) {
	names, err := conn.Column[string](ctx, r.DB, selectFunctions)
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(conn.HarmfulFunctions, name) }), conn.WithRemedy(r.Path, err)
}

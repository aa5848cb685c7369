package tables

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	_ "github.com/mattn/go-sqlite3"

	"heapstash/schema"
)

// FuzzLabelColumns: the views take a family's labels apart as an expression
// does, and any other set by its pairs.
func FuzzLabelColumns(f *testing.F) {
	for _, seed := range []string{
		"resource_id:/dev/sda1", "resource_id:Volume:a,b:c", "a:b,resource_id:/", "a:b", "resource_id:", ",resource_id:x", "xresource_id:y",
		"accelerator_id:GPU-1,make:nvidia,model:k80", "accelerator_id:,make:,model:", "accelerator_id:1,2,make:n,v,model:k,8,0", "make:a,model:b",
		"accelerator_id:1,make:a,make:b,model:c,model:d", "accelerator_id:1,model:a,make:b", "",
	} {
		f.Add(seed)
	}
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	meant := map[schema.Family]*regexp.Regexp{
		schema.Filesystem:  regexp.MustCompile(`(?s)\Aresource_id:(.*)\z`),
		schema.Disk:        regexp.MustCompile(`(?s)\Aresource_id:(.*)\z`),
		schema.Accelerator: regexp.MustCompile(`(?s)\Aaccelerator_id:(.*?),make:(.*?),model:(.*)\z`),
	}
	f.Fuzz(func(t *testing.T, labels string) {
		if !utf8.ValidString(labels) || strings.Contains(labels, "\x00") {
			return // no JSON is, and SQLite's functions end at the other
		}
		for family, expression := range meant {
			entities := (&Table{Family: family}).entities()
			query := "WITH entity (labels) AS (SELECT ?) SELECT " + strings.Join(labelColumns(family), ", ") + " FROM " + entities + " e"
			got := make([]sql.NullString, len(family.LabelKeys()))
			dest := make([]any, len(got))
			for i := range got {
				dest[i] = &got[i]
			}
			if err := db.QueryRow(query, labels).Scan(dest...); err != nil {
				t.Fatalf("%q: %v", labels, err)
			}
			groups := expression.FindStringSubmatch(labels)
			for i, key := range family.LabelKeys() {
				var want sql.NullString
				if groups != nil {
					want = sql.NullString{String: groups[i+1], Valid: true}
				} else {
					for _, pair := range strings.Split(labels, ",") {
						if value, is := strings.CutPrefix(pair, key+":"); is && !want.Valid {
							want = sql.NullString{String: value, Valid: true}
						}
					}
				}
				if got[i] != want {
					t.Errorf("%s of %q: %s is %s, want %s", family, labels, key, spell(got[i]), spell(want))
				}
			}
		}
	})
}

func spell(s sql.NullString) string {
	if !s.Valid {
		return "NULL"
	}
	return fmt.Sprintf("%q", s.String)
}

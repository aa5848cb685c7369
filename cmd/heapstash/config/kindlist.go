package config

import (
	"strings"

	"heapstash/schema"
)

// KindList joins the names of kinds by commas.
func KindList(kinds []schema.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

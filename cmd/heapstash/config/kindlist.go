package config

import (
	"strings"

	"heapstash/schema"
)

func KindList(kinds []schema.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

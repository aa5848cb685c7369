package tables

import "strings"

// Fill replaces words in a SQL text: Fill("SELECT ts FROM TABLE", "TABLE", "pod_hot"). It
// is how this engine makes texts that differ by table or metric. The values come from the
// registry; what comes from outside is a parameter. Package answer, whose texts
// differ by the question, writes them with the values of their parameters.
func Fill(text string, words ...string) string { return strings.NewReplacer(words...).Replace(text) }

// QuoteName returns the text as a SQL identifier.
func QuoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

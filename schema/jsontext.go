package schema

import (
	"bytes"
	"encoding/json"
)

// JSONText quotes a text for JSON. It does not escape < > &.
func JSONText(text string) []byte {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text always encodes
	return bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))
}

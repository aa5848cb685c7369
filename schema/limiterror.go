package schema

import "fmt"

// LimitError reports an answer or a pass that is larger than allowed. It wraps
// [ErrProtocol], because no known Heapster sends so much.
type LimitError struct {
	// What is too large, such as "a list of more than 100000 elements".
	What string
	// Setting is the key of the setting that moves the limit; empty for a fixed
	// limit.
	Setting string
}

// Beyond returns a [LimitError] with a formatted What.
func Beyond(setting, format string, args ...any) *LimitError {
	return &LimitError{What: fmt.Sprintf(format, args...), Setting: setting}
}

// Error returns What.
func (e *LimitError) Error() string { return e.What }

// Hint names the setting.
func (e *LimitError) Hint() string {
	if e.Setting == "" {
		return "is it Heapster that answers? No known Heapster sends as much"
	}
	return "is it Heapster that answers? If it is, and what it sends is true, raise " + e.Setting
}

// Unwrap returns [ErrProtocol].
func (e *LimitError) Unwrap() error { return ErrProtocol }

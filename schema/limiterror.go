package schema

import "fmt"

// LimitError is more than Heapster may send. It wraps [ErrProtocol], for no
// Heapster that is known sends so much.
type LimitError struct {
	// What there is too much of, such as "a list of more than 100000 elements".
	What string
	// Setting is the key that moves the limit, empty if none does.
	Setting string
}

// Beyond returns a [LimitError] with a formatted What.
func Beyond(setting, format string, args ...any) *LimitError {
	return &LimitError{What: fmt.Sprintf(format, args...), Setting: setting}
}

// Error says what there is too much of.
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

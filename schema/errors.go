package schema

import "errors"

// The errors between heapstash and Heapster that a pass tells apart. Each error of
// the client wraps one of them. It decides the cause in the ledger.
var (
	// ErrUnreachable: there was no answer, or the apiserver had none from
	// Heapster. Another try may help.
	ErrUnreachable = errors.New("unreachable")
	// ErrRefused: authentication or authorization failed, or a proxy rejects
	// the path. Another try does not help.
	ErrRefused = errors.New("refused")
	// ErrNotFound: the path or the service does not exist. For an unknown entity
	// Heapster gives an empty answer, not this error.
	ErrNotFound = errors.New("not found")
	// ErrProtocol: an answer that no Heapster gives, such as HTML, or JSON that
	// ends early.
	ErrProtocol = errors.New("unexpected answer")
	// ErrBudget: the request was not made, because the pass had no time left.
	ErrBudget = errors.New("the pass's time was up")
	// ErrUnaddressable: no URL can have the entity's or the metric's name.
	ErrUnaddressable = errors.New("unaddressable")
)

// HintOf returns what to do about an error, empty if the error does not know. An
// error that knows has a method Hint.
func HintOf(err error) string {
	var hinter interface{ Hint() string }
	if errors.As(err, &hinter) {
		return hinter.Hint()
	}
	return ""
}

// WithHint returns the error with what to do about it, for [HintOf].
func WithHint(err error, hint string) error { return hintedError{err, hint} }

type hintedError struct {
	error
	hint string
}

func (e hintedError) Hint() string { return e.hint }

func (e hintedError) Unwrap() error { return e.error }

package schema

import "errors"

// What can go wrong between heapstash and Heapster, as far as a pass has to
// tell it apart. The client's errors wrap one of these; [CauseOf] turns any
// error into what the ledger keeps.
var (
	// ErrUnreachable: no answer at all, or the apiserver says that Heapster
	// gave none. Worth another try.
	ErrUnreachable = errors.New("unreachable")
	// ErrRefused: authentication or authorization failed, or a proxy rejects
	// the path. It lasts until somebody mends it.
	ErrRefused = errors.New("refused")
	// ErrNotFound: the path or the service does not exist. Heapster answers
	// unknown entities with empty results, never with this.
	ErrNotFound = errors.New("not found")
	// ErrProtocol: an answer that Heapster does not give, such as HTML, or
	// JSON that ends early.
	ErrProtocol = errors.New("unexpected answer")
	// ErrBudget: not asked, for the pass's time was up.
	ErrBudget = errors.New("the pass's time was up")
	// ErrUnaddressable: no URL can name the entity or the metric. It lasts.
	ErrUnaddressable = errors.New("unaddressable")
)

// What can go wrong with an archive, as far as a user has to tell it apart.
var (
	// ErrNoArchive: there is no archive at that path.
	ErrNoArchive = errors.New("no archive")
	// ErrNotArchive: the file is not a heapstash archive.
	ErrNotArchive = errors.New("not a heapstash archive")
	// ErrOtherArchive: an archive, and not the one that was there before.
	ErrOtherArchive = errors.New("another archive")
	// ErrNewerArchive: a newer heapstash made the archive.
	ErrNewerArchive = errors.New("archive of a newer heapstash")
	// ErrLocked: another writer holds the archive's lock.
	ErrLocked = errors.New("archive is locked")
	// ErrNoSpace: writing would leave less free space than is to be kept.
	ErrNoSpace = errors.New("too little free space")
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

// CauseOf returns the ledger's word for an error that the client gave.
func CauseOf(err error) Cause {
	switch {
	case errors.Is(err, ErrRefused):
		return CauseRefused
	case errors.Is(err, ErrNotFound):
		return CauseNotFound
	case errors.Is(err, ErrUnaddressable):
		return CauseUnaddressable
	case errors.Is(err, ErrBudget):
		return CauseBudget
	case errors.Is(err, ErrExportDisabled):
		return CauseExport
	case errors.Is(err, ErrUnreachable):
		return CauseUnreachable
	default:
		return CauseProtocol
	}
}

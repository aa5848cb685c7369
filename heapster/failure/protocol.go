package failure

import (
	"errors"
	"fmt"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// ProtocolError is an answer with status 200 that Heapster does not send. It wraps
// [schema.ErrProtocol].
type ProtocolError struct {
	URL     string // without credentials, shortened
	Message string // the fault of the answer
	HTML    bool   // it is a web page
	Err     error  // the error that ended the answer early, or a [schema.LimitError]; nil for a whole answer

	own secrets
	way Way
}

// Error is one line.
func (e *ProtocolError) Error() string {
	if e.Err != nil && e.beyond() == nil {
		return fmt.Sprintf("%s: %s: %s", e.URL, e.Message, oneLine(e.own.scrub(e.Err.Error())))
	}
	return fmt.Sprintf("%s: %s", e.URL, e.Message)
}

// permanent reports whether another try cannot help.
func (e *ProtocolError) permanent() bool { return e.Err == nil || e.beyond() != nil }

// beyond returns the limit that the answer is beyond, nil if there is none.
func (e *ProtocolError) beyond() *schema.LimitError {
	beyond, _ := errors.AsType[*schema.LimitError](e.Err)
	return beyond
}

// Hint says what the user can do.
func (e *ProtocolError) Hint() string {
	switch {
	case e.HTML:
		return e.way.htmlHint()
	case e.beyond() != nil:
		return e.beyond().Hint()
	case e.Err != nil:
		return "a server between here and Heapster cuts answers short: look for limits or restarts of proxies"
	default:
		return "is it Heapster that answers there? " + e.way.choose(
			"name its service with --heapster-namespace, --heapster-service and --heapster-port", "give its URL up to before "+wire.Model)
	}
}

// Unwrap returns [schema.ErrProtocol] and the cause, if there is one.
func (e *ProtocolError) Unwrap() []error {
	if e.Err != nil {
		return []error{schema.ErrProtocol, e.Err}
	}
	return []error{schema.ErrProtocol}
}

const hintHTML = "the answer is a web page: is the URL that of a dashboard, a log-in page or an ingress? " +
	"give Heapster's own URL, without " + wire.Model + " and the rest"

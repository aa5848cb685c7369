package prompt

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// ctrlC is the byte that a terminal in raw mode sends for Ctrl-C.
const ctrlC = 3

// abandon is the keys that replace Ctrl-C at the prompt: go to the line's end, delete the
// line, and enter a line that shows ^C.
const abandon = "\x05\x15^C\r"

// keyboard passes on the typed keys. Ctrl-C cancels the running statement; if none runs,
// it abandons the line.
type keyboard struct {
	ctx  context.Context
	keys chan []byte
	rest []byte

	mu     sync.Mutex
	cancel context.CancelFunc // of the running statement; nil at the prompt

	// abandoned is set if the line that is being read is the line of abandon.
	abandoned bool
}

// listen begins to read keys. Its goroutine ends when in ends, or with the process,
// because a read of a terminal cannot be cancelled.
func listen(ctx context.Context, in io.Reader) *keyboard {
	k := &keyboard{ctx: ctx, keys: make(chan []byte, 1024)}
	go func() {
		defer close(k.keys)
		buffer := make([]byte, 4096)
		for {
			n, err := in.Read(buffer)
			k.take(bytes.Clone(buffer[:n]))
			if err != nil {
				return
			}
		}
	}()
	return k
}

// take passes keys on.
func (k *keyboard) take(keys []byte) {
	for len(keys) > 0 {
		i := bytes.IndexByte(keys, ctrlC)
		if i < 0 {
			k.keys <- keys
			return
		}
		if i > 0 {
			k.keys <- keys[:i]
		}
		keys = keys[i+1:]
		k.mu.Lock()
		if k.cancel != nil {
			k.cancel()
		} else {
			k.keys <- []byte(abandon)
		}
		k.mu.Unlock()
	}
}

// Read returns keys, for the terminal.
func (k *keyboard) Read(p []byte) (int, error) {
	if len(k.rest) == 0 {
		select {
		case keys, ok := <-k.keys:
			if !ok {
				return 0, io.EOF
			}
			k.rest, k.abandoned = keys, string(keys) == abandon
		case <-k.ctx.Done():
			return 0, k.ctx.Err()
		}
	}
	n := copy(p, k.rest)
	k.rest = k.rest[n:]
	return n, nil
}

// during runs do. Ctrl-C cancels its context.
func (k *keyboard) during(do func(context.Context)) {
	ctx, cancel := context.WithCancel(k.ctx)
	k.set(cancel)
	defer cancel()
	defer k.set(nil)
	do(ctx)
}

func (k *keyboard) set(cancel context.CancelFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cancel = cancel
}

package prompt

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// ctrlC is what a terminal in raw mode sends for it.
const ctrlC = 3

// abandon are the keys that Ctrl-C stands for at the prompt: to the line's end,
// delete the line, and a line that shows what was pressed.
const abandon = "\x05\x15^C\r"

// keyboard passes on what is typed. Ctrl-C cancels what runs; where nothing
// runs, it abandons the line.
type keyboard struct {
	ctx  context.Context
	keys chan []byte
	rest []byte

	mu     sync.Mutex
	cancel context.CancelFunc // of what runs; nil at the prompt

	// abandoned is set once the line that is being read is the one of abandon.
	abandoned bool
}

// listen begins to read the keys. The goroutine ends with in, or with the
// process: a read of a terminal cannot be cancelled.
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

// during runs do, which Ctrl-C cancels.
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

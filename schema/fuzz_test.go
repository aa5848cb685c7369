package schema_test

import (
	"testing"

	"heapstash/schema"
)

// FuzzParseEntity checks that an entity has the spelling of its key, so that two keys
// are never one entity.
func FuzzParseEntity(f *testing.F) {
	for _, seed := range []string{
		"cluster", "node:n1", "namespace:d", "namespace:d/pod:web-0", "namespace:d/pod:web-0/container:c",
		"node:n1/container:system.slice/docker.service", "node:n1/container:/docker-daemon", "namespace:d/pod:p/container:a:b/c",
		"pod:x", "node:", "namespace:a/pod:", "namespace:/pod:x", "node:n/container:", "cluster/node:x", "node:a/pod:b",
		"namespace:a/container:b", "namespace:a/pod:b/pod:c", "node:a{b:c}", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		e, err := schema.ParseEntity(key)
		if err != nil {
			if e != (schema.Entity{}) {
				t.Errorf("%q: %v and %+v", key, err, e)
			}
			return
		}
		if e.String() != key {
			t.Errorf("%q is %+v, which is spelled %q", key, e, e)
		}
		if again, err := schema.ParseEntity(e.String()); err != nil || again != e {
			t.Errorf("%q: %+v came back as %+v, %v", key, e, again, err)
		}
	})
}

// FuzzParseSize checks that sizes are never negative, and that their spelling reads back.
func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"16MB", "1.5 GB", "64KiB", "1e3kB", "nanB", "9223372036854775807B", "-1B", "0.0001TiB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := schema.ParseSize(text)
		if size < 0 || err != nil && size != 0 {
			t.Errorf("%q: %d, %v", text, size, err)
		}
		if _, err := schema.ParseSize(size.String()); err != nil {
			t.Errorf("%q: %v is no size: %v", text, size, err)
		}
	})
}

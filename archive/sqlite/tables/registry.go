package tables

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"heapstash/schema"
)

// RegistrySetting names the setting with the [RegistryFingerprint] of the heapstash
// that made the views and the metric table, and moved samples to their columns.
const RegistrySetting = "registry"

// RegistryFingerprint returns the hash of this heapstash's registry and views. It is
// computed once, because every pass needs it and the views are long.
var RegistryFingerprint = sync.OnceValue(func() string {
	sum := sha256.New()
	fmt.Fprint(sum, ViewScript(NewLayout()), schema.Registry())
	return hex.EncodeToString(sum.Sum(nil))
})

package tables

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"heapstash/schema"
)

// RegistrySetting names the fingerprint of the registry that the metric table,
// the places of samples, and the views are of.
const RegistrySetting = "registry"

// RegistryFingerprint is that of our registry. Every pass asks for it, and the
// views are long.
var RegistryFingerprint = sync.OnceValue(func() string {
	sum := sha256.New()
	fmt.Fprint(sum, ViewScript(NewLayout()), schema.Registry())
	return hex.EncodeToString(sum.Sum(nil))
})

package torture

// oldCalls are calls that newer architectures do not have.
var oldCalls map[int]call

// Package fetch carries out a pass's requests: several at once, in parts where a
// proxy refuses many pods in one request, and no more once nothing answers. It
// does not decide what to ask for.
package fetch

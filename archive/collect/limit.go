package collect

import "heapstash/schema"

// checkEntities refuses a list that is longer than a pass takes, before
// anything of it is stored.
func (p *pass) checkEntities(count int) error {
	if count > p.MaxEntities {
		return schema.Beyond("limits.entities", "Heapster lists more than %d entities", p.MaxEntities)
	}
	return nil
}

// take counts samples that were read, and refuses those beyond what a pass
// takes. It may be called concurrently.
func (p *pass) take(samples int) error {
	if p.taken.Add(int64(samples)) > int64(p.MaxSamples) {
		return schema.Beyond("limits.samples", "more than %d samples in one pass", p.MaxSamples)
	}
	return nil
}

// full returns the error of take once nothing more is taken.
func (p *pass) full() error { return p.take(0) }

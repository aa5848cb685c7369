package collect

import "heapstash/schema"

// checkEntities refuses a list that is too long, before anything is stored.
func (p *pass) checkEntities(count int) error {
	if count > p.MaxEntities {
		return schema.Beyond("limits.entities", "Heapster lists more than %d entities", p.MaxEntities)
	}
	return nil
}

// take counts samples, and refuses those beyond what a pass may take. It may be
// called concurrently.
func (p *pass) take(samples int) error {
	if p.taken.Add(int64(samples)) > int64(p.MaxSamples) {
		return schema.Beyond("limits.samples", "more than %d samples in one pass", p.MaxSamples)
	}
	return nil
}

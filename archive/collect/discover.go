package collect

import (
	"context"
	"slices"

	"heapstash/archive"
	"heapstash/archive/collect/metricexport"
	"heapstash/archive/collect/plan"
	"heapstash/schema"
)

// discovery is the entities that a pass may ask for.
type discovery struct {
	lists    metricexport.Lists // of every pod and container, wanted or not
	listed   []schema.Entity    // wanted, and in Heapster's latest batch
	recent   []schema.Entity    // wanted, and listed until lately
	appeared []schema.Entity    // listed, and not at the last pass
	vanished map[schema.Entity]schema.Instant
	present  map[schema.Entity]bool // listed, and the nodes that are not wanted
	unread   map[schema.Scope]bool  // scopes whose list could not be read
}

// discover lists what Heapster has, and what it had until lately: no list has an
// entity that ended, but its last samples are still visible.
func (p *pass) discover(ctx context.Context) (discovery, error) {
	found := discovery{
		lists:    metricexport.Lists{Namespaces: make(map[metricexport.Name][]string)},
		vanished: make(map[schema.Entity]schema.Instant),
		present:  make(map[schema.Entity]bool),
		unread:   make(map[schema.Scope]bool),
	}
	entities, err := p.list(ctx, &found)
	if err != nil {
		return discovery{}, err
	}
	for _, e := range found.sort(entities) {
		// Every node is remembered, because nodes distinguish clusters.
		if !p.wants(e) && e.Kind != schema.Node {
			continue
		}
		found.present[e] = true
		if !p.planner.ListedBefore(e) {
			found.appeared = append(found.appeared, e)
		}
		if p.wants(e) {
			found.listed = append(found.listed, e)
		}
	}
	if len(entities) > 0 { // otherwise Heapster has no batch yet
		p.findVanished(&found)
	}
	return found, nil
}

// findVanished finds the entities that are not listed any more.
func (p *pass) findVanished(found *discovery) {
	seen := p.timeline.Seen()
	for e, lastSeen := range p.memory.Entities {
		if found.present[e] || e.Kind == schema.Cluster || e.Labels != "" {
			continue
		}
		if lastSeen == 0 && !found.unread[e.Scope()] {
			found.vanished[e] = p.memory.Horizon
		}
		if lastSeen > seen || found.vanished[e] > seen {
			found.vanished[e] = seen // the clock was set back meanwhile
		}
		if p.wants(e) && p.planner.MayBeVisible(lastSeen, plan.Afterlife) {
			found.recent = append(found.recent, e)
		}
	}
	slices.SortFunc(found.recent, schema.Entity.Compare)
}

// sort adds the entities to the lists, and returns them sorted, each once.
func (d *discovery) sort(entities []schema.Entity) []schema.Entity {
	slices.SortFunc(entities, schema.Entity.Compare)
	entities = slices.Compact(entities)
	for _, e := range entities {
		d.lists.Add(e)
	}
	return entities
}

// add adds an entity that the lists did not show.
func (d *discovery) add(e schema.Entity, memory archive.Memory) {
	if d.present[e] {
		return
	}
	d.present[e] = true
	d.listed = append(d.listed, e)
	d.recent = slices.DeleteFunc(d.recent, func(recent schema.Entity) bool { return recent == e })
	if lastSeen, known := memory.Entities[e]; !known || lastSeen != 0 {
		d.appeared = append(d.appeared, e)
	}
}

package e2e

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"heapstash/archive/collect"
	"heapstash/e2e/rig"
)

var (
	seed      = flag.Uint64("seed", 1, "the first seed of the random stories")
	schedules = flag.Int("schedules", 20, "the number of random stories")
)

// TestRandomStories: entities come and go and come back, between batches, restarts
// and passes at random times. The archive must hold each sample that was visible at
// a pass, once.
func TestRandomStories(t *testing.T) {
	for i := range *schedules {
		t.Run(fmt.Sprintf("seed=%d", *seed+uint64(i)), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(*seed+uint64(i), 0))
			r := &randomStory{newStory(t), random, newCast(random)}
			r.tell()
		})
	}
}

type randomStory struct {
	*story
	rand *rand.Rand
	cast []*actor
}

// tell feeds batches 20 seconds apart over some minutes, or 60 seconds apart over
// half an hour, and makes passes between them.
func (r *randomStory) tell() {
	step, ago := 20*time.Second, time.Duration(r.rand.IntN(20))*20*time.Second
	if r.chance(0.5) {
		step, ago = time.Minute, time.Duration(r.rand.IntN(30))*time.Minute
	}
	attention := 0.2 + 0.8*r.rand.Float64() // the probability that a pass follows a batch
	for ; ago >= 0; ago -= step {
		if r.chance(0.05) {
			r.Logf("%v ago: restart", ago)
			r.restart()
		}
		if ago > 0 && r.chance(0.1) {
			continue // Heapster has no batch of that time
		}
		r.feed(ago, r.next()...)
		for attentive := attention; r.chance(attentive); attentive = 0.2 {
			r.pass(ago)
		}
	}
	r.pass(0)
	r.compare()
}

func (r *randomStory) chance(p float64) bool { return r.rand.Float64() < p }

// next returns the members of the next batch. Some have gone, some have come.
func (r *randomStory) next() []member {
	// metric-export names a namespace by its id. A pod that only one namespace has
	// shows which namespace the id belongs to.
	members := []member{namespace("bank"), namespace("shop"), pod("bank", "teller"), pod("shop", "clerk")}
	for _, a := range r.cast {
		if r.chance(0.2) {
			a.alive = !a.alive
		}
		if a.alive {
			members = append(append(members, a.member), a.containers...)
		}
	}
	return members
}

// actor is a member that comes and goes.
type actor struct {
	member
	containers []member // of a pod; they come and go with it

	alive bool
}

// newCast returns the actors. Two of them are alone in their namespaces, which come
// and go with them. The other namespaces and the node n1 are always there.
func newCast(r *rand.Rand) []*actor {
	var cast []*actor
	for _, m := range []member{
		node("n2").on(disks("/dev/sda1", "/dev/sdb1")), node("n3"),
		systemContainer("n1", "kubelet"), systemContainer("n1", "docker-daemon"),
		systemContainer("n1", "/docker-daemon"), systemContainer("n1", "system.slice/docker.service"),
		pod("bank", "vault").on(disks("Volume:data")), pod("alone", "a"), pod("lonely", "a"),
		pod("bank", "a"), pod("bank", "b"), pod("bank", "c"), pod("shop", "a"), pod("shop", "b"), pod("shop", "c"),
	} {
		a := &actor{member: m, alive: r.Float64() < 0.7}
		switch of := m.entity; {
		case of.Pod == "vault":
			a.containers = []member{
				container("bank", "vault", "main").on(disks("/")).withGPU(), container("bank", "vault", "executor"),
			}
		case of.Pod != "":
			a.containers = []member{container(of.Namespace, of.Pod, "main")}
		}
		cast = append(cast, a)
	}
	return cast
}

// pass makes a pass as `heapstash collect` does, in this process.
func (r *randomStory) pass(ago time.Duration) {
	r.Helper()
	added := r.oracle.Pass()
	options := collect.DefaultOptions()
	options.Log = slog.New(slog.NewTextHandler(r.Output(), nil))
	sum, err := rig.Pass(r.Context(), r.client, r.archive, options, nil)
	if err != nil {
		r.Fatal(err)
	}
	r.Logf("%v ago: a pass, %d samples", ago, sum.Pass.New)
	if sum.Pass.New != added || sum.Pass.Conflicts != 0 {
		r.Errorf("%v ago: a pass adds %d samples, with %d conflicts, and has %d to add",
			ago, sum.Pass.New, sum.Pass.Conflicts, added)
	}
}

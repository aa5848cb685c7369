package heapsim

import (
	"math/rand/v2"
	"time"

	"heapstash/schema"
)

// filesystem simulates a file system of a node, a volume of a pod, or the root or the
// logs of a container.
type filesystem struct {
	labels map[string]string
	busy   float64 // the probability of a change in a batch
	home   int64   // the bytes around which usage moves
	limit  int64   // bytes
	usage  int64
	inodes int64
	used   int64 // inodes
}

func newFilesystem(r *rand.Rand, resource string, limit int64, busy float64) *filesystem {
	f := &filesystem{labels: map[string]string{"resource_id": resource}, busy: busy, home: limit / 3, limit: limit, inodes: limit / 16384}
	f.usage = limit / 100 * r.Int64N(60) / pageSize * pageSize
	f.used = f.inodes / 100 * r.Int64N(20)
	return f
}

// fill fills the file system up to about that share.
func (f *filesystem) fill(share float64) {
	f.home = int64(share * float64(f.limit))
	f.usage = f.home / pageSize * pageSize
}

func (f *filesystem) step(r *rand.Rand) {
	if r.Float64() >= f.busy {
		return
	}
	f.usage = min(walk(r, f.usage/pageSize+1, f.home/pageSize)*pageSize, f.limit)
	if r.Float64() < 0.3 {
		f.used = min(f.used+1, f.inodes)
	}
}

func (f *filesystem) appendTo(all []Labelled) []Labelled {
	return append(all,
		Labelled{"filesystem/usage", f.labels, schema.Int(f.usage)},
		Labelled{"filesystem/limit", f.labels, schema.Int(f.limit)},
		Labelled{"filesystem/available", f.labels, schema.Int(f.limit - f.usage)},
		Labelled{"filesystem/inodes", f.labels, schema.Int(f.inodes)},
		Labelled{"filesystem/inodes_free", f.labels, schema.Int(f.inodes - f.used)})
}

// disk simulates one disk of a node.
type disk struct {
	labels      map[string]string
	read, write counter
}

func newDisk(r *rand.Rand, resource string) *disk {
	d := &disk{labels: map[string]string{"resource_id": resource}}
	d.read.total, d.write.total = r.Int64N(1<<42), r.Int64N(1<<43)
	return d
}

func (d *disk) step(r *rand.Rand, dt time.Duration) {
	const sector = 512
	d.read.grow(int64(20*r.ExpFloat64()*dt.Seconds()) * sector)
	d.write.grow(int64(400*r.ExpFloat64()*dt.Seconds()) * sector)
}

func (d *disk) appendTo(all []Labelled, dt time.Duration) []Labelled {
	return append(all,
		Labelled{"disk/io_read_bytes", d.labels, schema.Int(d.read.total)},
		Labelled{"disk/io_write_bytes", d.labels, schema.Int(d.write.total)},
		Labelled{"disk/io_read_bytes_rate", d.labels, d.read.rate(dt)},
		Labelled{"disk/io_write_bytes_rate", d.labels, d.write.rate(dt)})
}

// accelerator simulates a GPU.
type accelerator struct {
	labels map[string]string
	used   int64 // bytes of its memory
	duty   int64 // percent
	taken  bool  // a container has it
}

// acceleratorMemory is the memory of every simulated GPU, in bytes.
const acceleratorMemory = 12 << 30

func newAccelerator(id string) *accelerator {
	return &accelerator{
		labels: map[string]string{"make": "nvidia", "model": "tesla-k80", "accelerator_id": "GPU-" + id},
		used:   acceleratorMemory / 2,
	}
}

func (a *accelerator) step(r *rand.Rand) {
	a.used = min(walk(r, a.used/pageSize, acceleratorMemory/2/pageSize)*pageSize, acceleratorMemory)
	a.duty = r.Int64N(101)
}

func (a *accelerator) appendTo(all []Labelled) []Labelled {
	return append(all,
		Labelled{"accelerator/memory_total", a.labels, schema.Int(acceleratorMemory)},
		Labelled{"accelerator/memory_used", a.labels, schema.Int(a.used)},
		Labelled{"accelerator/duty_cycle", a.labels, schema.Int(a.duty)})
}

package heapsim

import (
	"math"
	"math/rand/v2"
	"time"

	"heapstash/schema"
)

// wire simulates the network of a pod or of a node.
type wire struct {
	perSecond float64 // bytes received; half as many again are sent
	faulty    bool    // it has errors, now and then

	rx, tx, rxErrors, txErrors counter
}

// newWire returns a wire that has run for age.
func newWire(r *rand.Rand, perSecond float64, age time.Duration) wire {
	w := wire{perSecond: perSecond, faulty: r.Float64() < 0.03}
	w.rx.total = int64(perSecond * age.Seconds())
	w.tx.total = w.rx.total + w.rx.total/2
	if w.faulty {
		w.rxErrors.total = r.Int64N(1000)
	}
	return w
}

// step moves the wire on by dt.
func (w *wire) step(r *rand.Rand, dt time.Duration) {
	received := w.perSecond * math.Exp(0.4*r.NormFloat64()) * dt.Seconds()
	w.rx.grow(int64(received))
	w.tx.grow(int64(1.5 * received * math.Exp(0.1*r.NormFloat64())))
	w.rxErrors.grow(0)
	w.txErrors.grow(0)
	if w.faulty && r.Float64() < 0.1 {
		w.rxErrors.grow(1 + r.Int64N(5))
	}
}

// carry adds what a pod sent and received to its node's wire.
func (w *wire) carry(pod *wire) {
	w.rx.add(pod.rx)
	w.tx.add(pod.tx)
}

func (w *wire) write(to values, dt time.Duration, rated bool) {
	to["network/rx"] = schema.Int(w.rx.total)
	to["network/tx"] = schema.Int(w.tx.total)
	to["network/rx_errors"] = schema.Int(w.rxErrors.total)
	to["network/tx_errors"] = schema.Int(w.txErrors.total)
	if rated {
		to["network/rx_rate"] = w.rx.rate(dt)
		to["network/tx_rate"] = w.tx.rate(dt)
		to["network/rx_errors_rate"] = w.rxErrors.rate(dt)
		to["network/tx_errors_rate"] = w.txErrors.rate(dt)
	}
}

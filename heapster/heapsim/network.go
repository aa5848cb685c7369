package heapsim

import (
	"math"
	"math/rand/v2"
	"time"

	"heapstash/schema"
)

// network simulates the network of a pod or of a node.
type network struct {
	perSecond float64 // bytes received; half as many again are sent
	faulty    bool    // it has errors in some batches

	rx, tx, rxErrors, txErrors counter
}

// newNetwork returns a network of that age.
func newNetwork(r *rand.Rand, perSecond float64, age time.Duration) network {
	n := network{perSecond: perSecond, faulty: r.Float64() < 0.03}
	n.rx.total = int64(perSecond * age.Seconds())
	n.tx.total = n.rx.total + n.rx.total/2
	if n.faulty {
		n.rxErrors.total = r.Int64N(1000)
	}
	return n
}

// step moves the network on by dt.
func (n *network) step(r *rand.Rand, dt time.Duration) {
	received := n.perSecond * math.Exp(0.4*r.NormFloat64()) * dt.Seconds()
	n.rx.grow(int64(received))
	n.tx.grow(int64(1.5 * received * math.Exp(0.1*r.NormFloat64())))
	n.rxErrors.grow(0)
	n.txErrors.grow(0)
	if n.faulty && r.Float64() < 0.1 {
		n.rxErrors.grow(1 + r.Int64N(5))
	}
}

func (n *network) write(to values, dt time.Duration, rated bool) {
	to["network/rx"] = schema.Int(n.rx.total)
	to["network/tx"] = schema.Int(n.tx.total)
	to["network/rx_errors"] = schema.Int(n.rxErrors.total)
	to["network/tx_errors"] = schema.Int(n.txErrors.total)
	if rated {
		to["network/rx_rate"] = n.rx.rate(dt)
		to["network/tx_rate"] = n.tx.rate(dt)
		to["network/rx_errors_rate"] = n.rxErrors.rate(dt)
		to["network/tx_errors_rate"] = n.txErrors.rate(dt)
	}
}

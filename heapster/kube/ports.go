package kube

import (
	"context"

	"heapstash/heapster"
)

// Port is one of a service.
type Port struct {
	Name   string `json:"name"` // empty only if it is the service's one port
	Number int    `json:"port"`
}

// ServicePorts returns the ports of a service. That needs `get` on services,
// which heapstash does not need otherwise.
func (l *Lister) ServicePorts(ctx context.Context, namespace, name string) ([]Port, error) {
	type service struct {
		Spec struct {
			Ports []Port `json:"ports"`
		} `json:"spec"`
	}
	s, err := heapster.Get[service](ctx, l.whole, "/api/v1/namespaces/"+namespace+"/services/"+name)
	return s.Spec.Ports, err
}

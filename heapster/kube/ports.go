package kube

import (
	"context"

	"heapstash/heapster"
)

// Port is a port of a service.
type Port struct {
	Name   string `json:"name"` // empty only if the service has no other port
	Number int    `json:"port"`
}

// ServicePorts returns the ports of a service. It needs the permission `get` on
// services, which nothing else here needs.
func (l *Lister) ServicePorts(ctx context.Context, namespace, name string) ([]Port, error) {
	type service struct {
		Spec struct {
			Ports []Port `json:"ports"`
		} `json:"spec"`
	}
	s, err := heapster.Get[service](ctx, l.whole, "/api/v1/namespaces/"+namespace+"/services/"+name)
	return s.Spec.Ports, err
}

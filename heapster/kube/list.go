package kube

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"heapstash/heapster"
	"heapstash/heapster/failure"
)

// pageSize is how many objects one answer is asked for: client-go's own.
const pageSize = 500

// page is a part of a list, with whole objects or with their metadata only.
type page struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Continue string `json:"continue"` // the token for the next page; empty in the last one
	} `json:"metadata"`
	Items []object `json:"items"`
}

// object is the part of a Kubernetes object that is read.
type object struct {
	Metadata struct {
		Namespace       string            `json:"namespace"`
		Name            string            `json:"name"`
		UID             string            `json:"uid"`
		Labels          map[string]string `json:"labels"`
		OwnerReferences []reference       `json:"ownerReferences"`
	} `json:"metadata"`
	Spec struct { // of a pod
		NodeName   string      `json:"nodeName"`
		Containers []container `json:"containers"`
	} `json:"spec"`
}

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// reference names an owner of an object.
type reference struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
	Controller bool   `json:"controller"`
}

// controller returns the owner that manages the object, or the zero reference.
func (o object) controller() reference {
	for _, r := range o.Metadata.OwnerReferences {
		if r.Controller {
			return r
		}
	}
	return reference{}
}

// list reads a list page by page and returns the results of keep. Only one page of
// objects is in memory at a time.
func list[T any](ctx context.Context, client *heapster.Client, path string, keep func(object) (T, bool)) ([]T, error) {
	var all []T
	for next := ""; ; {
		query := url.Values{"limit": {fmt.Sprint(pageSize)}}
		if next != "" {
			query.Set("continue", next)
		}
		p, err := heapster.Get[page](ctx, client, path+"?"+query.Encode())
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(p.Kind, "List") {
			return nil, &failure.ProtocolError{URL: path, Message: fmt.Sprintf("an object of the kind %q where a list belongs", p.Kind)}
		}
		for _, o := range p.Items {
			if kept, ok := keep(o); ok {
				all = append(all, kept)
			}
		}
		switch p.Metadata.Continue {
		case "":
			return all, nil
		case next:
			return nil, &failure.ProtocolError{URL: path, Message: "a list without an end"}
		}
		next = p.Metadata.Continue
	}
}

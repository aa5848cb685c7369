package archive_test

import (
	"slices"
	"testing"

	"heapstash/archive"
	"heapstash/schema"
)

func TestFilter(t *testing.T) {
	pod, node := schema.PodEntity("shop", "web-0"), schema.NodeEntity("n1")
	disk := schema.Entity{Kind: schema.Node, Node: "n1", Labels: "resource_id:/dev/sda1"}
	volume := schema.Entity{Kind: schema.Pod, Namespace: "shop", Pod: "web-0", Labels: "a:b,resource_id:/dev/sda2"}
	for _, test := range []struct {
		name   string
		filter archive.Filter
		want   []schema.Entity
	}{
		{"all", archive.Filter{}, []schema.Entity{pod, node, disk, volume}},
		{"cluster", archive.Filter{Clusters: []string{"pro?"}}, []schema.Entity{pod, node, disk, volume}},
		{"another cluster", archive.Filter{Clusters: []string{"test"}}, nil},
		{"namespace", archive.Filter{Namespaces: []string{"x", "sh*"}}, []schema.Entity{pod, volume}},
		{"excluded", archive.Filter{ExcludeNamespaces: []string{"*"}}, []schema.Entity{node, disk}},
		{"pod", archive.Filter{Pods: []string{"*"}}, []schema.Entity{pod, volume}},
		{"container", archive.Filter{Containers: []string{"*"}}, nil},
		{"node", archive.Filter{Nodes: []string{"n1"}}, []schema.Entity{node, disk}},
		{"label", archive.Filter{Labels: map[string]string{"resource_id": "/dev/*"}}, []schema.Entity{disk, volume}},
		{"labels", archive.Filter{Labels: map[string]string{"resource_id": "/dev/*", "a": "b"}}, []schema.Entity{volume}},
		{"no such label", archive.Filter{Labels: map[string]string{"id": "*"}}, nil},
	} {
		var got []schema.Entity
		for _, e := range []schema.Entity{pod, node, disk, volume} {
			if test.filter.Matches("prod", e) {
				got = append(got, e)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

package metricexport

import (
	"fmt"
	"strings"
	"testing"

	"heapstash/schema"
)

// TestAttribution writes sets as pod@id#uid%label, a container as
// pod/container, and namespaces as name: pods.
func TestAttribution(t *testing.T) {
	for name, test := range map[string]struct {
		lists  []string
		unread []string
		sets   []string
		want   []string // of each claim, ? for one that is open
	}{
		"a name of one namespace": {[]string{"blue: a db", "green: db"}, nil, []string{"a@1", "db@1", "db@2"}, []string{"blue", "green"}},
		"namesakes alone":         {[]string{"blue: db", "green: db"}, nil, []string{"db@1", "db@2"}, []string{"?", "?"}},
		"three, of which one follows": {[]string{"blue: a db", "green: b db", "red: db"}, nil, []string{"a@1", "db@1", "b@2", "db@2", "db@3"},
			[]string{"blue", "green", "red"}},
		"ids that contradict the lists": {[]string{"blue: a", "green: b"}, nil, []string{"a@1", "b@1"}, []string{"?"}},
		"two sets of one name and id":   {[]string{"blue: db", "green: db"}, nil, []string{"db@1#1", "db@1#2"}, []string{"?", "?"}},
		"two for one namespace":         {[]string{"blue: db"}, nil, []string{"db#1", "db#2"}, []string{"?", "?"}},
		"a pod with two ids":            {[]string{"blue: a b"}, nil, []string{"a@1#1", "a/c@2#1", "b@2#2"}, []string{"blue", "blue"}},
		"the same set twice":            {[]string{"blue: a"}, nil, []string{"a@1#1", "a@1#1"}, []string{"blue"}},
		"the same set twice, no ids":    {[]string{"blue: db", "green: db"}, nil, []string{"db", "db"}, []string{"?"}},
		"a repeated set and another":    {[]string{"blue: db", "green: a db"}, nil, []string{"db", "db", "a@1", "db@1"}, []string{"blue", "green"}},
		"contradictions of three": {[]string{"blue: db", "green: db", "red: db"}, nil, []string{"db%green#1", "db%green#2", "db#3"},
			[]string{"?", "?", "?"}},
		"as many as are listed, with an unreadable list": {[]string{"blue: db"}, []string{"green"}, []string{"db@1"}, []string{"blue"}},
		"more than are listed":                           {[]string{"blue: db"}, []string{"green"}, []string{"db@1", "db@2"}, []string{"?", "?"}},
		"fewer than are listed":                          {[]string{"blue: db", "red: db"}, []string{"green"}, []string{"db@1"}, []string{"?"}},
		"a label":                                        {[]string{"blue: db", "green: db"}, nil, []string{"db%green", "db%blue"}, []string{"green", "blue"}},
		"a label of nobody":                              {[]string{"blue: db"}, nil, []string{"db%red"}, []string{"?"}},
	} {
		t.Run(name, func(t *testing.T) {
			lists := Lists{Namespaces: make(map[Name][]string), Whole: true, Unread: test.unread}
			for _, list := range test.lists {
				namespace, pods, _ := strings.Cut(list, ": ")
				for pod := range strings.FieldsSeq(pods) {
					lists.Add(schema.PodEntity(namespace, pod))
					lists.Add(schema.ContainerEntity(namespace, pod, "c"))
				}
			}
			var sets []schema.Exported
			for _, text := range test.sets {
				text, label, _ := strings.Cut(text, "%")
				text, uid, _ := strings.Cut(text, "#")
				text, id, _ := strings.Cut(text, "@")
				pod, container, _ := strings.Cut(text, "/")
				e := schema.PodEntity("", pod)
				if container != "" {
					e = schema.ContainerEntity("", pod, container)
				}
				sets = append(sets, schema.Exported{Entity: e, Namespace: label, NamespaceID: id, PodUID: uid})
			}
			a := Attribute(sets, lists)
			a.conclude()
			var got []string
			for _, c := range a.Claims {
				if got = append(got, c.Namespace); c.Namespace == "" {
					got[len(got)-1] = "?"
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestNothingIsGuessed tries all ways in which three namespaces may have two pods, with
// each list readable or not, and with and without ids of namespaces. A claim is of the
// namespace that the pod is of, or stays open.
func TestNothingIsGuessed(t *testing.T) {
	namespaces, pods := []string{"blue", "green", "red"}, []string{"a", "db"}
	decided := 0
	for world := range 1 << 10 { // bits: six pods, three unreadable lists, ids
		lists := Lists{Namespaces: make(map[Name][]string), Whole: true}
		var sets []schema.Exported
		for n, namespace := range namespaces {
			unread := world>>(6+n)&1 == 1
			if unread {
				lists.Unread = append(lists.Unread, namespace)
			}
			for i, pod := range pods {
				if world>>(2*n+i)&1 == 0 {
					continue
				}
				set := schema.Exported{Entity: schema.PodEntity("", pod), PodUID: namespace + " " + pod}
				if world>>9 == 1 {
					set.NamespaceID = "id of " + namespace
				}
				sets = append(sets, set)
				if !unread {
					lists.Add(schema.PodEntity(namespace, pod))
				}
			}
		}
		a := Attribute(sets, lists)
		a.conclude()
		for _, c := range a.Claims {
			if owner, _, _ := strings.Cut(c.Sets[0].PodUID, " "); c.Namespace != "" && c.Namespace != owner {
				t.Errorf("world %b: the pod %q is taken for one of %s", world, c.Sets[0].PodUID, c.Namespace)
			} else if c.Namespace != "" && len(lists.Unread) > 0 {
				decided++
			}
		}
	}
	if decided < 100 {
		t.Errorf("%d claims were decided with an unreadable list", decided)
	}
}

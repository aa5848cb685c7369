package schema_test

import (
	"maps"
	"regexp"
	"testing"

	"heapstash/schema"
)

// TestReadLabels: among sets with the same spelling, the metric decides which one is
// meant, if any.
func TestReadLabels(t *testing.T) {
	type set = map[string]string
	for _, test := range []struct {
		metric schema.MetricName
		set    set
		want   bool
	}{
		{"filesystem/usage", set{"resource_id": "/dev/sda1"}, true},
		{"filesystem/usage", set{"resource_id": ""}, true},
		{"filesystem/usage", set{"resource_id": "Volume:a,b:c"}, true},
		{"filesystem/usage", set{"resource_id": "Volume:a", "zone": "c"}, false},
		{"filesystem/usage", set{"disk": "a", "resource_id": "/"}, true},
		{"accelerator/duty_cycle", set{"accelerator_id": "GPU-1,2", "make": "nvidia", "model": "k80,x:y"}, true},
		{"accelerator/duty_cycle", set{"accelerator_id": "1,make:x", "make": "nvidia", "model": "k80"}, false},
		{"accelerator/duty_cycle", set{"accelerator_id": "1", "make": "x,model:y", "model": "k80"}, false},
		{"accelerator/duty_cycle", set{"accelerator_id": "1", "make": "nvidia", "model": "k80,make:y,model:z"}, true},
		{"accelerator/duty_cycle", set{"make": "nvidia", "model": "k80"}, true},
		{"custom/x", set{"a": "1,b:2"}, false},
		{"custom/x", set{"a": "1", "b": "2"}, true},
		{"custom/x", set{"a:b": "c"}, false},
		{"custom/x", set{"a": "b:c"}, true},
		{"custom/x", set{"a,b": "c"}, false},
		{"custom/x", set{"": ""}, true},
		{"custom/x", nil, true},
	} {
		if got := test.metric.IsSpelled(test.set); got != test.want {
			t.Errorf("%s of %v, spelled %q: %t", test.metric, test.set, schema.SpellLabels(test.set), got)
		}
	}
}

// meant matches the spelling of a family's labels.
var meant = map[schema.Family]*regexp.Regexp{
	schema.Filesystem:  regexp.MustCompile(`(?s)\Aresource_id:(.*)\z`),
	schema.Disk:        regexp.MustCompile(`(?s)\Aresource_id:(.*)\z`),
	schema.Accelerator: regexp.MustCompile(`(?s)\Aaccelerator_id:(.*?),make:(.*?),model:(.*)\z`),
}

// FuzzLabels checks that labels read from a spelling have that spelling, that at most
// one of two sets with the same spelling is accepted, and that a family's labels match
// its expression.
func FuzzLabels(f *testing.F) {
	for _, seed := range [][]string{
		{"a", "1,b:2", "", ""}, {"a", "1", "b", "2"}, {"resource_id", "/dev/sda1", "resource_id", "a,b"}, {"resource_id", "/,zone:c", "zone", "c"},
		{"accelerator_id", "1", "make", "x,model:y"}, {"accelerator_id", "1,make:2,model:3", "", ","}, {":", ",", ",", ":"}, {"b", "", "a", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		sets := []map[string]string{
			{key1: value1}, {key1: value1, key2: value2}, {key1: value1 + "," + key2 + ":" + value2}, {key1 + ":" + value1: value2},
			{"accelerator_id": key1, "make": value1, "model": key2}, {"accelerator_id": key1 + ",make:" + value1, "make": key2, "model": value2},
			{"resource_id": value1, key2: value2}, {"resource_id": value1 + "," + key2 + ":" + value2},
		}
		for _, m := range []schema.MetricName{"filesystem/usage", "disk/io_read_bytes", "accelerator/duty_cycle", "cpu/usage", "custom/x"} {
			taken := make(map[string]map[string]string)
			for _, set := range sets {
				spelled := schema.SpellLabels(set)
				if read, ok := m.ReadLabels(spelled); ok && schema.SpellLabels(read) != spelled {
					t.Errorf("%s: %q is read as %q", m, spelled, read)
				}
				if metric, known := schema.Lookup(m); known && metric.Family != schema.Unlabelled {
					groups := meant[metric.Family].FindStringSubmatch(spelled)
					if got := metric.Family.Has(spelled); got != (groups != nil) {
						t.Errorf("%s has %q: %t", metric.Family, spelled, got)
					}
					if read, _ := m.ReadLabels(spelled); groups != nil {
						for i, key := range metric.Family.LabelKeys() {
							if read[key] != groups[i+1] {
								t.Errorf("%s of %q: %s is %q, want %q", m, spelled, key, read[key], groups[i+1])
							}
						}
					}
				}
				if !m.IsSpelled(set) {
					continue
				}
				if other, twice := taken[spelled]; twice && !maps.Equal(other, set) {
					t.Errorf("%s: %q and %q are both %q", m, other, set, spelled)
				}
				taken[spelled] = set
			}
		}
	})
}

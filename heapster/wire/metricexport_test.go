package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/schema"
)

// FuzzExported checks that nothing panics, and that the decoded values are the oracle's:
// each once, in the row of its time and labels.
func FuzzExported(f *testing.F) {
	const machine = `"labels":{"container_name":"machine","nodename":"n1","hostname":"n1","host_id":"i-1","labels":"a:b"}`
	const stamp = `"start":"2017-09-27T07:08:00Z","end":"2017-09-27T07:09:00Z"`
	for _, seed := range []string{
		`{"metrics":{"uptime":[{` + stamp + `,"value":-9223372036854775808}],"cpu/usage":[{` + stamp + `,"value":9007199254740993}]},` + machine + `}`,
		`{"metrics":{"filesystem/usage":[{` + stamp + `,"labels":{"resource_id":"/dev/sdb1"},"value":1},{` + stamp + `,"labels":{"resource_id":"/"},"value":2}]},` + machine + `}`,
		`{"metrics":{"accelerator/duty_cycle":[{` + stamp + `,"labels":{"model":"k80","make":"nvidia","accelerator_id":"GPU-1"},"value":0.5}]},` +
			`"labels":{"container_name":"executor","pod_name":"web-0","pod_id":"u","namespace_id":"d","container_base_image":"web:1"}}`,
		`{"metrics":{"memory/rss":[{` + stamp + `,"value":10000000000000000000},{"end":"0001-01-01T00:00:00Z","value":-0}]},"labels":{"container_name":"/pod","pod_name":"p"}}`,
		`{"metrics":{"memory/rss":[{` + stamp + `,"value":1e-7},{"end":"2017-09-27T16:10:00.5+09:00","value":2.0}]},"labels":{"container_name":"/pod","nodename":"n"}}`,
		`{"metrics":{"filesystem/usage":[{` + stamp + `,"labels":{"resource_id":"/a,b:c"},"value":1},{` + stamp + `,"labels":{"resource_id":"/a","z":"c"},"value":2}]},` + machine + `}`,
		`{"metrics":{"custom/x":[{` + stamp + `,"labels":{"a":"1,b:2"},"value":1},{` + stamp + `,"labels":{"a":"1","b":"2"},"value":2}]},` + machine + `}`,
		`{"metrics":{},` + machine + `}`,
		`{"metrics":{"uptime":[{` + stamp + `,"value":"1"}]},` + machine + `}`,
		`{"metrics":{"uptime":[{` + stamp + `,"value":`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		exported, err := decode((*Decoder).timeseries, text)
		if err != nil {
			return
		}
		var got []string
		var rows []schema.Row // without readings
		for _, row := range exported.Rows {
			bare := schema.Row{Entity: row.Entity, At: row.At}
			if slices.ContainsFunc(rows, func(r schema.Row) bool { return r.Entity == bare.Entity && r.At == bare.At }) {
				t.Errorf("%q: two rows of %v", text, bare)
			}
			rows = append(rows, bare)
			for _, r := range row.Readings {
				got = append(got, fmt.Sprintf("%q %q %d %s", r.Metric, row.Entity.Labels, row.At, r.Value))
			}
		}
		slices.Sort(got)
		if want := exportOracle(t, text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q; want %q", text, got, want)
		}
	})
}

// exportOracle reads a well-formed entity as generic values, with numbers as texts, and
// spells each point.
func exportOracle(t *testing.T, text string) (points []string) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var entity map[string]any
	if err := dec.Decode(&entity); err != nil {
		t.Fatal(err)
	}
	for metric, list := range entity["metrics"].(map[string]any) {
		list, _ := list.([]any)
		for _, element := range list {
			point := element.(map[string]any)
			end, err := time.Parse(time.RFC3339, point["end"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if end.Unix() <= 0 {
				continue
			}
			var pairs []string
			labels, _ := point["labels"].(map[string]any)
			if !spelledAlone(metric, labels) {
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(labels)) {
				value, _ := labels[key].(string)
				pairs = append(pairs, key+":"+value)
			}
			digits := point["value"].(json.Number)
			float, _ := digits.Float64()
			value := schema.Real(float)
			if whole, ok := new(big.Int).SetString(digits.String(), 10); ok && whole.IsInt64() {
				value = schema.Int(whole.Int64())
			}
			points = append(points, fmt.Sprintf("%q %q %d %s", metric, strings.Join(pairs, ","), end.Unix(), value))
		}
	}
	slices.Sort(points)
	return points
}

// familyLabels match the spellings of the families' label sets, by family.
var familyLabels = map[string]*regexp.Regexp{
	"filesystem":  regexp.MustCompile(`(?s)\Aresource_id:.*\z`),
	"disk":        regexp.MustCompile(`(?s)\Aresource_id:.*\z`),
	"accelerator": regexp.MustCompile(`(?s)\Aaccelerator_id:(.*?),make:(.*?),model:.*\z`),
}

// spelledAlone reports whether no other label set of the metric has the same spelling.
func spelledAlone(metric string, labels map[string]any) bool {
	var pairs []string
	plain := true
	text := func(key string) string { s, _ := labels[key].(string); return s }
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+":"+text(key))
		plain = plain && !strings.ContainsAny(key, ":,") && !strings.Contains(text(key), ",")
	}
	if known, ok := schema.Lookup(schema.MetricName(metric)); ok && known.Family != schema.Unlabelled {
		groups := familyLabels[string(known.Family)].FindStringSubmatch(strings.Join(pairs, ","))
		if groups != nil {
			return len(labels) == len(known.Family.LabelKeys()) && (len(groups) == 1 || groups[1] == text("accelerator_id") && groups[2] == text("make"))
		}
	}
	return plain
}

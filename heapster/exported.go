package heapster

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"heapstash/schema"
)

// exportedJSON is a Timeseries (Heapster's metrics/api/v1/types): all metrics
// of one entity.
type exportedJSON struct {
	Metrics map[schema.MetricName][]exportedPointJSON `json:"metrics"`
	Labels  exportedLabelsJSON                        `json:"labels"`
}

// exportedLabelsJSON are the labels that Heapster exports
// (metrics/core/labels.go: CommonLabels, ContainerLabels, PodLabels).
type exportedLabelsJSON struct {
	Container   string `json:"container_name"`
	BaseImage   string `json:"container_base_image"`
	Pod         string `json:"pod_name"`
	PodUID      string `json:"pod_id"`
	NamespaceID string `json:"namespace_id"`
	Node        string `json:"nodename"`
	Hostname    string `json:"hostname"`
	HostID      string `json:"host_id"`
	Labels      string `json:"labels"`
}

// exportedPointJSON is a Point without its start, which is the batch's time or
// that since which a counter counts. Its end is the batch's time, to which the
// model API attributes the value.
type exportedPointJSON struct {
	End    string            `json:"end"`
	Labels map[string]string `json:"labels"`
	Value  *exactJSON        `json:"value"`
}

// exactJSON is a number without loss.
type exactJSON schema.Value

// UnmarshalJSON takes digits for an integer. Those of a number beyond 64 bits
// can only be a float's, which encoding/json writes without an exponent up to
// 1e21.
func (v *exactJSON) UnmarshalJSON(text []byte) error {
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		*v = exactJSON(schema.Int(whole))
		return nil
	}
	float, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return malformed("%s where a number belongs", oneLine(string(text)))
	}
	*v = exactJSON(schema.Real(float))
	return nil
}

func decodeExported(dec *json.Decoder) (schema.Exported, error) {
	var decoded exportedJSON
	if err := dec.Decode(&decoded); err != nil {
		return schema.Exported{}, err
	}
	if decoded.Metrics == nil {
		return schema.Exported{}, malformed("an entity without metrics")
	}
	labels := decoded.Labels
	entity, err := labels.entity()
	if err != nil {
		return schema.Exported{}, err
	}
	rows, err := decoded.rows(entity)
	return schema.Exported{
		Entity:      entity,
		NamespaceID: labels.NamespaceID,
		PodUID:      labels.PodUID,
		Node:        labels.Node,
		Hostname:    labels.Hostname,
		HostID:      labels.HostID,
		PodLabels:   labels.Labels,
		BaseImage:   labels.BaseImage,
		Rows:        rows,
	}, err
}

// entity tells the kinds apart as Heapster mixes them up: it gives nodes and
// pods the names of containers that cannot be any (metrics/api/v1/api.go).
func (l exportedLabelsJSON) entity() (schema.Entity, error) {
	switch {
	case l.Pod != "" && l.Container == "/pod":
		return schema.PodEntity("", l.Pod), nil
	case l.Pod != "" && l.Container != "":
		return schema.ContainerEntity("", l.Pod, l.Container), nil
	case l.Node != "" && l.Container == "machine":
		return schema.NodeEntity(l.Node), nil
	case l.Node != "" && l.Container != "":
		return schema.SystemContainerEntity(l.Node, l.Container), nil
	default:
		return schema.Entity{}, malformed("exported metrics of container %q, pod %q, node %q", l.Container, l.Pod, l.Node)
	}
}

// rows sorts the values of an entity by time and labels. It passes over points
// of the year 1, as decodeSeries does.
func (e *exportedJSON) rows(of schema.Entity) ([]schema.Row, error) {
	var rows []schema.Row
	for _, metric := range slices.Sorted(maps.Keys(e.Metrics)) {
		for _, p := range e.Metrics[metric] {
			at, err := decodeInstant(p.End)
			switch {
			case err != nil:
				return nil, err
			case p.Value == nil:
				return nil, malformed("a point without a value")
			case at == 0:
				continue
			}
			of.Labels = spellLabels(p.Labels)
			i := slices.IndexFunc(rows, func(r schema.Row) bool { return r.Entity == of && r.At == at })
			if i < 0 {
				i = len(rows)
				rows = append(rows, schema.Row{Entity: of, At: at})
			}
			rows[i].Readings = append(rows[i].Readings, schema.Reading{Metric: metric, Value: schema.Value(*p.Value)})
		}
	}
	slices.SortFunc(rows, func(a, b schema.Row) int {
		return cmp.Or(cmp.Compare(a.Entity.Labels, b.Entity.Labels), cmp.Compare(a.At, b.At))
	})
	return rows, nil
}

// spellLabels spells a label set as the model API's labels parameter takes it,
// in key order.
func spellLabels(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+":"+labels[key])
	}
	return strings.Join(pairs, ",")
}

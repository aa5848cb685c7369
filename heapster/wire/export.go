package heapster

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"heapstash/schema"
)

// exportedLabelsJSON are the labels that Heapster exports
// (metrics/core/labels.go: CommonLabels, ContainerLabels, PodLabels). Up to
// v1.3 it exports pod_namespace too.
type exportedLabelsJSON struct {
	Container   string `json:"container_name"`
	BaseImage   string `json:"container_base_image"`
	Pod         string `json:"pod_name"`
	PodUID      string `json:"pod_id"`
	Namespace   string `json:"pod_namespace"`
	NamespaceID string `json:"namespace_id"`
	Node        string `json:"nodename"`
	Hostname    string `json:"hostname"`
	HostID      string `json:"host_id"`
	Labels      string `json:"labels"`
}

// decodeExported reads a Timeseries (Heapster's metrics/api/v1/types): all
// metrics of one entity.
func decodeExported(dec *decoder) (schema.Exported, error) {
	var labels exportedLabelsJSON
	var rows exportedRows
	unspelled := make(map[string]bool)
	measured := false
	err := object(dec, func(name []byte) error {
		switch string(name) {
		case "metrics":
			measured = dec.PeekKind() != jsontext.KindNull
			return decodeValues(dec, &rows, unspelled)
		case "labels":
			return decodeValue(dec, &labels)
		default:
			return dec.SkipValue()
		}
	})
	if err == nil {
		err = labels.check()
	}
	if err != nil {
		return schema.Exported{}, err
	}
	if !measured {
		return schema.Exported{}, malformed("an entity without metrics")
	}
	entity, err := labels.entity()
	if err != nil {
		return schema.Exported{}, err
	}
	return schema.Exported{
		Entity:      entity,
		Namespace:   labels.Namespace,
		NamespaceID: labels.NamespaceID,
		PodUID:      labels.PodUID,
		Node:        labels.Node,
		Hostname:    labels.Hostname,
		HostID:      labels.HostID,
		PodLabels:   labels.Labels,
		BaseImage:   labels.BaseImage,
		Unspelled:   slices.Sorted(maps.Keys(unspelled)),
		Rows:        rows.of(entity),
	}, nil
}

// check refuses names that are too long. The pod's labels are no name.
func (l exportedLabelsJSON) check() error {
	for _, name := range []string{l.Container, l.BaseImage, l.Pod, l.PodUID, l.Namespace, l.NamespaceID, l.Node, l.Hostname, l.HostID} {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
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

// decodeValues reads the points of an entity, by metric. It passes over points
// of the year 1, as decodeSeries does, and notes label sets whose spelling
// another one has.
func decodeValues(dec *decoder, rows *exportedRows, unspelled map[string]bool) error {
	if dec.PeekKind() == jsontext.KindNull {
		return dec.SkipValue()
	}
	metrics, points := 0, 0
	return object(dec, func(name []byte) error {
		metric := metricName(name)
		if err := errors.Join(dec.limits.countMetrics(&metrics), checkName(string(metric))); err != nil {
			return err
		}
		_, err := list(dec, func() error {
			p, labels, err := decodeExportedPoint(dec)
			if err == nil {
				err = countPoints(&points)
			}
			switch spelled := schema.SpellLabels(labels); {
			case err != nil || p.At == 0:
			case metric.IsSpelled(labels):
				rows.add(spelled, p.At, schema.Reading{Metric: metric, Value: p.Value})
			default:
				unspelled[spelled] = true
			}
			return err
		})
		return err
	})
}

// decodeExportedPoint reads a Point without its start, which is the batch's
// time or that since which a counter counts. Its end is the batch's time, to
// which the model API attributes the value.
func decodeExportedPoint(dec *decoder) (p schema.Point, labels map[string]string, err error) {
	timed, valued := false, false
	err = object(dec, func(name []byte) error {
		switch string(name) {
		case "end":
			text, err := scalar(dec)
			if err == nil {
				timed = true
				p.At, err = decodeInstant(text)
			}
			return err
		case "value":
			text, err := scalar(dec)
			if err == nil && text.Kind() != jsontext.KindNull {
				valued = true
				p.Value, err = exactValue(text)
			}
			return err
		case "labels":
			err := decodeValue(dec, &labels)
			return cmp.Or(err, checkName(schema.SpellLabels(labels)))
		default:
			return dec.SkipValue()
		}
	})
	if err == nil && !(timed && valued) {
		err = malformed("a point without an end or a value")
	}
	return p, labels, err
}

// exactValue takes digits for an integer. Those of a number beyond 64 bits can
// only be a float's, which encoding/json writes without an exponent up to
// 1e21.
func exactValue(text []byte) (schema.Value, error) {
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return schema.Int(whole), nil
	}
	float, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return schema.Value{}, malformed("%s where a number belongs", text)
	}
	return schema.Real(float), nil
}

// metricName makes one text serve for all entities' metrics.
func metricName(name []byte) schema.MetricName {
	if known, ok := schema.Lookup(schema.MetricName(name)); ok {
		return known.Name
	}
	return schema.MetricName(name)
}

// exportedRows gathers the values of one entity by labels and time.
type exportedRows []schema.Row

func (rows *exportedRows) add(labels string, at schema.Instant, r schema.Reading) {
	i := slices.IndexFunc(*rows, func(row schema.Row) bool { return row.At == at && row.Entity.Labels == labels })
	if i < 0 {
		i = len(*rows)
		*rows = append(*rows, schema.Row{Entity: schema.Entity{Labels: labels}, At: at})
	}
	(*rows)[i].Readings = append((*rows)[i].Readings, r)
}

// of returns the rows as those of the entity, in the order of their labels.
func (rows exportedRows) of(e schema.Entity) []schema.Row {
	for i := range rows {
		e.Labels = rows[i].Entity.Labels
		rows[i].Entity = e
		slices.SortFunc(rows[i].Readings, func(a, b schema.Reading) int { return cmp.Compare(a.Metric, b.Metric) })
	}
	slices.SortFunc(rows, func(a, b schema.Row) int {
		return cmp.Or(cmp.Compare(a.Entity.Labels, b.Entity.Labels), cmp.Compare(a.At, b.At))
	})
	return rows
}

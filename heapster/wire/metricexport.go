package wire

import (
	"cmp"
	stdjson "encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"heapstash/schema"
)

// Timeseries is one entity in metric-export (Heapster's metrics/api/v1/types).
// [Decoder.Export] reads it.
type Timeseries struct {
	Metrics map[schema.MetricName][]TimeseriesPoint `json:"metrics"`
	Labels  map[string]string                       `json:"labels,omitempty"` // by Heapster's names: see [IsExportLabel]
}

// TimeseriesPoint is one value in it.
type TimeseriesPoint struct {
	Start  time.Time         `json:"start"` // when a counter began; else End
	End    time.Time         `json:"end"`   // the batch's time
	Labels map[string]string `json:"labels,omitempty"`
	Value  any               `json:"value"` // int64 or float64
}

// NewTimeseriesPoint returns a value of a batch.
func NewTimeseriesPoint(at time.Time, labels map[string]string, value schema.Value) TimeseriesPoint {
	if integer, ok := value.Int64(); ok {
		return TimeseriesPoint{at, at, labels, integer}
	}
	return TimeseriesPoint{at, at, labels, value.Float64()}
}

// WriteExport writes an ExportPage. Nil is null, as Heapster answers before its
// first batch.
func WriteExport(w io.Writer, all []Timeseries) error {
	return stdjson.NewEncoder(w).Encode(all)
}

// exportLabels are the labels that Heapster exports (metrics/core/labels.go:
// CommonLabels, ContainerLabels, PodLabels). Up to v1.3 it exports pod_namespace
// too.
type exportLabels struct {
	container, pod string
	schema.Exported
}

// field returns the label's place, nil for a name that Heapster does not export.
func (l *exportLabels) field(name string) *string {
	switch name {
	case "container_name":
		return &l.container
	case "container_base_image":
		return &l.BaseImage
	case "pod_name":
		return &l.pod
	case "pod_id":
		return &l.PodUID
	case "pod_namespace":
		return &l.Namespace
	case "namespace_id":
		return &l.NamespaceID
	case "nodename":
		return &l.Node
	case "hostname":
		return &l.Hostname
	case "host_id":
		return &l.HostID
	case "labels":
		return &l.PodLabels
	default:
		return nil
	}
}

// IsExportLabel reports whether metric-export shows a label of that name.
func IsExportLabel(name string) bool { return new(exportLabels).field(name) != nil }

// The names that Heapster gives nodes and pods in the place of a container's.
const (
	nodeAsContainer = "machine"
	podAsContainer  = "/pod"
)

// ExportNames returns the labels by which metric-export names an entity. A node
// and a pod have a container's name that no container has
// (metrics/api/v1/api.go), and the namespace is not named.
func ExportNames(e schema.Entity) map[string]string {
	switch e.Kind {
	case schema.Node:
		return map[string]string{"container_name": nodeAsContainer, "nodename": e.Node, "hostname": e.Node}
	case schema.Pod:
		return map[string]string{"container_name": podAsContainer, "pod_name": e.Pod}
	case schema.Container:
		return map[string]string{"container_name": e.Container, "pod_name": e.Pod}
	default:
		return map[string]string{"container_name": e.Container, "nodename": e.Node, "hostname": e.Node}
	}
}

// entity is the inverse of ExportNames.
func (l *exportLabels) entity() (schema.Entity, error) {
	switch {
	case l.pod != "" && l.container == podAsContainer:
		return schema.PodEntity("", l.pod), nil
	case l.pod != "" && l.container != "":
		return schema.ContainerEntity("", l.pod, l.container), nil
	case l.Node != "" && l.container == nodeAsContainer:
		return schema.NodeEntity(l.Node), nil
	case l.Node != "" && l.container != "":
		return schema.SystemContainerEntity(l.Node, l.container), nil
	default:
		return schema.Entity{}, malformed("exported metrics of container %q, pod %q, node %q", l.container, l.pod, l.Node)
	}
}

// Export reads an ExportPage and calls visit with one entity after the other. It
// reports whether the export is enabled: a disabled one is an empty list. An
// error of visit ends the reading.
func (dec *Decoder) Export(visit func(schema.Exported) error) (enabled bool, err error) {
	visited := false
	null, err := dec.list(func() error {
		visited = true
		set, err := dec.timeseries()
		if err != nil {
			return err
		}
		return visit(set)
	})
	return visited || null, err
}

// timeseries reads all metrics of one entity.
func (dec *Decoder) timeseries() (schema.Exported, error) {
	var labels exportLabels
	dec.rows = dec.rows[:0]
	unspelled := make(map[string]bool)
	measured := false
	err := dec.object(func(name []byte) error {
		switch string(name) {
		case "metrics":
			measured = dec.PeekKind() != jsontext.KindNull
			return dec.exportMetrics(&dec.rows, unspelled)
		case "labels":
			return dec.exportLabels(&labels)
		default:
			return dec.SkipValue()
		}
	})
	if err != nil {
		return schema.Exported{}, err
	}
	if !measured {
		return schema.Exported{}, malformed("an entity without metrics")
	}
	set := labels.Exported
	if set.Entity, err = labels.entity(); err != nil {
		return schema.Exported{}, err
	}
	set.Unspelled = slices.Sorted(maps.Keys(unspelled))
	set.Rows = dec.rows.of(set.Entity)
	return set, nil
}

// exportLabels reads the labels of an entity. All but the pod's own labels are
// names.
func (dec *Decoder) exportLabels(into *exportLabels) error {
	if dec.PeekKind() == jsontext.KindNull {
		return dec.SkipValue()
	}
	return dec.object(func(name []byte) error {
		field := into.field(string(name))
		if field == nil {
			return dec.SkipValue()
		}
		text, err := dec.scalar()
		switch {
		case err != nil || text.Kind() == jsontext.KindNull:
			return err
		case text.Kind() != jsontext.KindString:
			return malformed("JSON %s where string belongs", kindName(text.Kind()))
		}
		plain, err := jsontext.AppendUnquote(nil, text)
		if *field = string(plain); err == nil && field != &into.PodLabels {
			err = checkName(*field)
		}
		return err
	})
}

// exportMetrics reads the points of an entity, by metric. It skips points of the
// year 1, as Series does, and notes label sets whose spelling another one has.
func (dec *Decoder) exportMetrics(rows *exportRows, unspelled map[string]bool) error {
	if dec.PeekKind() == jsontext.KindNull {
		return dec.SkipValue()
	}
	metrics, points := 0, 0
	return dec.object(func(name []byte) error {
		metric := metricName(name)
		if err := errors.Join(dec.limits.countMetrics(&metrics), checkName(string(metric))); err != nil {
			return err
		}
		_, err := dec.list(func() error {
			p, labels, err := dec.exportPoint()
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

// exportPoint reads a TimeseriesPoint without its start. The model API shows the
// same value at the point's end.
func (dec *Decoder) exportPoint() (p schema.Point, labels map[string]string, err error) {
	timed, valued := false, false
	err = dec.object(func(name []byte) error {
		switch string(name) {
		case "end":
			text, err := dec.scalar()
			if err == nil {
				timed = true
				p.At, err = parseInstant(text)
			}
			return err
		case "value":
			text, err := dec.scalar()
			if err == nil && text.Kind() != jsontext.KindNull {
				valued = true
				p.Value, err = parseValue(text)
			}
			return err
		case "labels":
			err := dec.Value(&labels)
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

// parseValue takes digits for an integer. Digits beyond 64 bits can only be a
// float, which encoding/json writes without an exponent up to 1e21.
func parseValue(text []byte) (schema.Value, error) {
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return schema.Int(whole), nil
	}
	float, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return schema.Value{}, malformed("%s where a number belongs", text)
	}
	return schema.Real(float), nil
}

// metricName returns the same text for all entities' metrics of one name.
func metricName(name []byte) schema.MetricName {
	if known, ok := schema.Lookup(schema.MetricName(name)); ok {
		return known.Name
	}
	return schema.MetricName(name)
}

// exportRows gathers the values of one entity by labels and time. A decoder uses its
// memory again for the next entity.
type exportRows []schema.Row

func (rows *exportRows) add(labels string, at schema.Instant, r schema.Reading) {
	i := slices.IndexFunc(*rows, func(row schema.Row) bool { return row.At == at && row.Entity.Labels == labels })
	if i < 0 {
		i = len(*rows)
		*rows = slices.Grow(*rows, 1)[:i+1]
		row := &(*rows)[i]
		row.Entity.Labels, row.At, row.Readings = labels, at, row.Readings[:0]
	}
	(*rows)[i].Readings = append((*rows)[i].Readings, r)
}

// of returns copies of the rows, as the entity's, in the order of their labels. A pass
// keeps them to its end, so they have no room to grow.
func (rows exportRows) of(e schema.Entity) []schema.Row {
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b schema.Row) int {
		return cmp.Or(cmp.Compare(a.Entity.Labels, b.Entity.Labels), cmp.Compare(a.At, b.At))
	})
	total := 0
	for _, row := range rows {
		total += len(row.Readings)
	}
	readings, kept := make([]schema.Reading, 0, total), make([]schema.Row, len(rows))
	for i, row := range rows {
		slices.SortFunc(row.Readings, func(a, b schema.Reading) int { return cmp.Compare(a.Metric, b.Metric) })
		readings = append(readings, row.Readings...)
		e.Labels = row.Entity.Labels
		kept[i] = schema.Row{Entity: e, At: row.At, Readings: slices.Clip(readings[len(readings)-len(row.Readings):])}
	}
	return kept
}

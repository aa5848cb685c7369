package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"k8s.io/heapster/metrics/core"
)

// batch is the body of POST /feed. Package heapsim documents its JSON. The decoder is
// not heapsim's, so that it finds mistakes there.
type batch struct {
	At   time.Time `json:"at"`
	Sets []set     `json:"sets"`
}

type entity struct {
	Kind      string `json:"kind"`
	Node      string `json:"node"`
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Container string `json:"container"`
}

type set struct {
	Entity     entity                 `json:"entity"`
	Since      time.Time              `json:"since"`
	Values     map[string]json.Number `json:"values"`
	Labelled   []labelled             `json:"labelled"`
	Attributes map[string]string      `json:"attributes"`
}

type labelled struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels"`
	Value  json.Number       `json:"value"`
}

// convert returns the batch as Heapster's own type.
func (b batch) convert() (*core.DataBatch, error) {
	converted := &core.DataBatch{Timestamp: b.At, MetricSets: make(map[string]*core.MetricSet)}
	cumulative := make(map[string]bool)
	for _, metric := range core.AllMetrics {
		cumulative[metric.Name] = metric.Type == core.MetricCumulative
	}
	for _, s := range b.Sets {
		key, labels, err := s.Entity.identify(s.Attributes)
		if err != nil {
			return nil, err
		}
		ms := &core.MetricSet{
			CollectionStartTime: s.Since,
			ScrapeTime:          b.At,
			MetricValues:        make(map[string]core.MetricValue),
			Labels:              labels,
		}
		for name, number := range s.Values {
			value, err := convertNumber(number)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", name, key, err)
			}
			if !cumulative[name] {
				value.MetricType = core.MetricGauge
			}
			ms.MetricValues[name] = value
		}
		for _, l := range s.Labelled {
			value, err := convertNumber(l.Value)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", l.Metric, key, err)
			}
			value.MetricType = core.MetricGauge // also of counters, as Heapster's sources do
			ms.LabeledMetrics = append(ms.LabeledMetrics,
				core.LabeledMetric{Name: l.Metric, Labels: l.Labels, MetricValue: value})
		}
		converted.MetricSets[key] = ms
	}
	return converted, nil
}

// identify returns the key and the labels of the entity's set, as Heapster's sources
// make them.
func (s entity) identify(attributes map[string]string) (key string, labels map[string]string, err error) {
	labels = make(map[string]string)
	if s.Node != "" {
		labels[core.LabelNodename.Key] = s.Node
		labels[core.LabelHostname.Key] = s.Node
	}
	maps.Copy(labels, attributes)
	name := func(label core.LabelDescriptor, value string) { labels[label.Key] = value }
	switch s.Kind {
	case "cluster":
		name(core.LabelMetricSetType, core.MetricSetTypeCluster)
		return core.ClusterKey(), labels, nil
	case "node":
		name(core.LabelMetricSetType, core.MetricSetTypeNode)
		return core.NodeKey(s.Node), labels, nil
	case "namespace":
		name(core.LabelMetricSetType, core.MetricSetTypeNamespace)
		name(core.LabelNamespaceName, s.Namespace)
		return core.NamespaceKey(s.Namespace), labels, nil
	case "pod":
		name(core.LabelMetricSetType, core.MetricSetTypePod)
		name(core.LabelNamespaceName, s.Namespace)
		name(core.LabelPodName, s.Pod)
		return core.PodKey(s.Namespace, s.Pod), labels, nil
	case "container":
		name(core.LabelMetricSetType, core.MetricSetTypePodContainer)
		name(core.LabelNamespaceName, s.Namespace)
		name(core.LabelPodName, s.Pod)
		name(core.LabelContainerName, s.Container)
		return core.PodContainerKey(s.Namespace, s.Pod, s.Container), labels, nil
	case "system_container":
		name(core.LabelMetricSetType, core.MetricSetTypeSystemContainer)
		name(core.LabelContainerName, s.Container)
		return core.NodeContainerKey(s.Node, s.Container), labels, nil
	default:
		return "", nil, fmt.Errorf("unknown kind %q", s.Kind)
	}
}

// convertNumber distinguishes integers from floats by their spelling.
func convertNumber(number json.Number) (core.MetricValue, error) {
	if strings.ContainsAny(number.String(), ".eE") {
		f, err := number.Float64()
		return core.MetricValue{ValueType: core.ValueFloat, FloatValue: f}, err
	}
	i, err := number.Int64()
	return core.MetricValue{ValueType: core.ValueInt64, IntValue: i}, err
}

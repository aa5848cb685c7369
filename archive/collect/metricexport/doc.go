// Package metricexport finds out which pods and containers the sets of Heapster's
// metric-export are about. Metric-export names no namespaces, and several
// namespaces may have a pod of the same name.
//
// The package asks for nothing: an [Attribution] draws conclusions from the sets,
// from the model API's [Lists] and values ([Evidence]), and from ids that are
// known already. What does not follow stays open.
package metricexport

package flags

import (
	"time"

	"github.com/spf13/pflag"

	"heapstash/archive"
	"heapstash/archive/query"
)

// Filter is the flags that select samples by time and by names: --since, --until, --tz,
// --namespace, --exclude-namespace and --pod.
type Filter struct {
	Range
	Namespaces, ExcludeNamespaces, Pods []string
}

// Add adds the flags. The help of --since and --until is the command's own.
func (f *Filter) Add(set *pflag.FlagSet, since, until string) {
	f.Range.Add(set, since, until)
	set.StringSliceVarP(&f.Namespaces, "namespace", "n", nil, "namespaces that match this glob (repeatable)")
	set.StringSliceVar(&f.ExcludeNamespaces, "exclude-namespace", nil, "nothing of namespaces that match this glob (repeatable)")
	set.StringSliceVar(&f.Pods, "pod", nil, "pods that match this glob (repeatable)")
}

// Query returns a query with the filters, as seen from now. From and To are zero if
// --since and --until are not given. Clusters has --cluster-name, if it is given.
func (f *Filter) Query(set *pflag.FlagSet, now time.Time) query.Query {
	q := query.Query{
		Filter: archive.Filter{Namespaces: f.Namespaces, ExcludeNamespaces: f.ExcludeNamespaces, Pods: f.Pods},
		From:   f.Since.At(now), To: f.Until.At(now),
	}
	if name := set.Lookup("cluster-name"); name != nil && name.Changed {
		q.Clusters = []string{name.Value.String()}
	}
	return q
}

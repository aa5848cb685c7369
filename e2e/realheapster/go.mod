module heapstash/e2e/realheapster

go 1.26.0

// Heapster v1.5.4 was built with Go 1.8: paths are matched decoded, as then.
godebug httpmuxgo121=1

require (
	github.com/emicklei/go-restful v2.16.0+incompatible
	k8s.io/heapster v1.5.4
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/golang/glog v1.2.5 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/google/cadvisor v0.0.0-00010101000000-000000000000 // indirect
	github.com/google/gofuzz v1.2.0 // indirect
	github.com/influxdata/influxdb v1.7.9 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/matttproud/golang_protobuf_extensions v1.0.1 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.3-0.20250322232337-35a7c28c31ee // indirect
	github.com/prometheus/client_golang v0.9.1 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.0.0-00010101000000-000000000000 // indirect
	github.com/prometheus/procfs v0.23.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	k8s.io/client-go v0.37.2 // indirect
)

// What Heapster v1.5.4 vendored, as far as its API needs it.
replace (
	github.com/google/cadvisor => github.com/google/cadvisor v0.28.3
	github.com/prometheus/client_golang => github.com/prometheus/client_golang v0.8.0
	github.com/prometheus/common => github.com/prometheus/common v0.2.0
)

module heapstash/e2e

go 1.26.0

require heapstash v0.0.0

replace heapstash => ../

// Realheapster serves the model API of Heapster v1.5.4 with that version's handlers
// and sink. It gets batches over HTTP, not from kubelets.
//
// It prints one line of JSON, {"api": URL, "feed": URL}. The first URL is Heapster's
// API. At the second
//
//	POST /feed     gives a batch to the sink
//	POST /restart  empties the sink, as a restart of Heapster does
//
// It ends when its standard input ends, so that it does not outlive a killed test.
//
// Two things differ from Heapster: /healthz is rewritten here, because its code is in
// Heapster's package main; and go-restful is a later version, which says more in a 406
// and indents JSON by one space more.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("realheapster: ")
	listen := flag.String("listen", "127.0.0.1:0", "`address` of the API")
	listenTLS := flag.String("listen-tls", "", "`address` of the API by TLS, with --tls-cert and --tls-key as in Heapster")
	cert := flag.String("tls-cert", "", "`file` of the certificate")
	key := flag.String("tls-key", "", "`file` of its key")
	feedAt := flag.String("feed", "127.0.0.1:0", "`address` of the second listener")
	disableExport := flag.Bool("disable-export", false, "metric-export is empty, as with Heapster's --disable_export")
	influx := flag.String("influxdb", "", "`URL` of an InfluxDB that Heapster's own sink writes all batches to")
	types := flag.Bool("types", false, "print as JSON which of Heapster's metrics are floats, and end")
	flag.Parse()
	if *types {
		if err := printTypes(os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}

	heapster := newHeapster(*disableExport)
	if *influx != "" {
		sink, err := influxSink(*influx)
		if err != nil {
			log.Fatal(err)
		}
		heapster.second = sink
	}
	api := serve(*listen, heapster)
	if *listenTLS != "" {
		go func() { log.Fatal(http.ListenAndServeTLS(*listenTLS, *cert, *key, heapster)) }()
	}
	feed := serve(*feedAt, heapster.feeder())
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"api": api, "feed": feed}); err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// serve starts a server and returns its URL.
func serve(address string, handler http.Handler) string {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(listener, handler)) }()
	return "http://" + listener.Addr().String()
}

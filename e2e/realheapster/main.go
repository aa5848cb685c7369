// Realheapster serves the model API of Heapster v1.5.4 by that version's own
// handlers and sink, and is fed over HTTP instead of by kubelets.
//
// It prints one line of JSON, {"api": URL, "feed": URL}. The API is what
// Heapster serves; on the other listener, which does not disturb it,
//
//	POST /feed     takes a batch and gives it to the sink
//	POST /restart  empties the sink, as a restart of Heapster's does
//
// It ends when its standard input does, so that it does not outlive a test
// that is killed.
//
// Two things are not Heapster's own: /healthz, whose code is in Heapster's
// package main and is restated here, and go-restful, a later version than
// Heapster's (which says less in a 406, and indents JSON by one space less).
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
	listenTLS := flag.String("listen-tls", "", "`address` at which the API is served by TLS, too, by --tls-cert and --tls-key as with Heapster")
	cert := flag.String("tls-cert", "", "`file` of the certificate")
	key := flag.String("tls-key", "", "`file` of its key")
	feedAt := flag.String("feed", "127.0.0.1:0", "`address` of the other listener")
	disableExport := flag.Bool("disable-export", false, "metric-export is empty, as with Heapster's --disable_export")
	influx := flag.String("influxdb", "", "`URL` of an InfluxDB that batches go to, too, by Heapster's own sink")
	types := flag.Bool("types", false, "print which of Heapster's metrics are floats, as JSON, and end")
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
		heapster.beside = sink
	}
	api := serve(*listen, heapster)
	if *listenTLS != "" {
		go func() { log.Fatal(http.ListenAndServeTLS(*listenTLS, *cert, *key, heapster)) }()
	}
	feed := serve(*feedAt, heapster.feeding())
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

package main

import (
	"encoding/json"
	"io"
	"log"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd serves a store in a directory, its argument, and prints {"client": URL}. It
// ends when its standard input ends.
func etcd() {
	if len(os.Args) != 2 {
		log.Fatal("usage: realkubernetes etcd DIRECTORY")
	}
	anywhere := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = os.Args[1]
	config.LogLevel = "panic"
	config.EnableGRPCGateway = false
	config.UnsafeNoFsync = true // the store need not survive a crash
	config.ListenClientUrls = []url.URL{anywhere}
	config.ListenPeerUrls = []url.URL{anywhere}
	server, err := embed.StartEtcd(config)
	if err != nil {
		log.Fatal(err)
	}
	<-server.Server.ReadyNotify()
	client := "http://" + server.Clients[0].Addr().String()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"client": client}); err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	server.Close()
}

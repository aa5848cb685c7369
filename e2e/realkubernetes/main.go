// Realkubernetes contains the parts of a real Kubernetes that heapstash uses:
// kube-apiserver, its etcd, and kubectl. The first argument selects the program; the
// others are the program's arguments.
//
//	realkubernetes etcd DIRECTORY
//	realkubernetes kube-apiserver --etcd-servers=http://127.0.0.1:2379 ...
//	realkubernetes kubectl proxy --port=0
package main

import (
	"fmt"
	"os"
)

func main() {
	programs := map[string]func(){
		"etcd":           etcd,
		"kube-apiserver": apiserver,
		"kubectl":        kubectl,
	}
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: realkubernetes etcd|kube-apiserver|kubectl ARGUMENT...")
		os.Exit(2)
	}
	program := programs[os.Args[1]]
	os.Args = os.Args[1:]
	program()
}

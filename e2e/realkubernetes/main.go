// Realkubernetes is the parts of a real Kubernetes that heapstash meets, in one
// program: a kube-apiserver, the etcd that it wants, and kubectl. The first
// argument tells which it is to be; the others are that program's own.
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

package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// apiserver is kube-apiserver's main.
func apiserver() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}

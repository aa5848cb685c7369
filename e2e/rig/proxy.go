package rig

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Proxy is a running `kubectl proxy`.
type Proxy struct {
	URL string

	process *process
}

// StartProxy starts a kubectl proxy with the kubeconfig and the flags. It uses the
// kubectl of realkubernetes if kubectl is empty.
func (c *ControlPlane) StartProxy(kubectl, kubeconfig string, flags ...string) (*Proxy, error) {
	arguments := append([]string{"proxy", "--kubeconfig", kubeconfig, "--port=0"}, flags...)
	if kubectl == "" {
		kubectl, arguments = c.program, append([]string{"kubectl"}, arguments...)
	}
	command := exec.Command(kubectl, arguments...)
	command.Env = append(os.Environ(), "HOME="+c.dir)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &Proxy{}
	if p.process, err = start(command); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "Starting to serve on ")
	if !ok {
		return nil, errors.Join(fmt.Errorf("kubectl proxy says %q: %w", line, err), p.Stop())
	}
	p.URL = "http://" + address
	return p, nil
}

// Stop ends the proxy.
func (p *Proxy) Stop() error { return p.process.stop(syscall.SIGTERM) }

package rig

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// network is a network namespace for pods that this host can reach: an apiserver
// does not proxy to loopback addresses.
type network struct {
	name string // of the namespace and of the device on this side
	Host string // this side's address
	Pods string // the other side's
}

// newNetwork makes the network of this process, with unused addresses.
func newNetwork() (*network, error) {
	name, err := owned()
	if err != nil {
		return nil, err
	}
	n := &network{name: name}
	subnet, err := freeSubnet()
	if err != nil {
		return nil, err
	}
	n.Host, n.Pods = subnet+".1", subnet+".2"
	device := "hs" + strconv.Itoa(os.Getpid()) // at most 15 characters
	for _, arguments := range []string{
		"netns add " + n.name,
		"link add " + device + " type veth peer name eth0 netns " + n.name,
		"address add " + n.Host + "/24 dev " + device,
		"link set " + device + " up",
		"-n " + n.name + " address add " + n.Pods + "/24 dev eth0",
		"-n " + n.name + " link set eth0 up",
		"-n " + n.name + " link set lo up",
	} {
		if err := ip(arguments); err != nil {
			return nil, errors.Join(err, n.remove())
		}
	}
	return n, nil
}

// inside returns a command that runs in the namespace.
func (n *network) inside(path string, arguments ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.name, path}, arguments...)...)
}

// remove removes the namespace and its devices.
func (n *network) remove() error { return ip("netns delete " + n.name) }

func ip(arguments string) error {
	out, err := exec.Command("ip", strings.Fields(arguments)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", arguments, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// freeSubnet returns the first three bytes of an unused network.
func freeSubnet() (string, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for i := range 255 {
		subnet := fmt.Sprintf("10.99.%d", i)
		if !strings.Contains(fmt.Sprint(addresses), subnet+".") {
			return subnet, nil
		}
	}
	return "", errors.New("no network 10.99.x.0 is free: look at `ip address` and `ip netns`")
}

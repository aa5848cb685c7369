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

// Network is a network namespace whose processes reach this host by wires: an apiserver
// does not proxy to loopback addresses, and a wire can be cut.
type Network struct {
	Wires []Wire
	name  string
}

// Wire is a pair of devices, one on this host and one in the namespace.
type Wire struct {
	Host   string // this side's address
	Inside string // the other side's
	device string // on this side
}

// NewNetwork makes the network of this process, with unused addresses. It needs root.
func NewNetwork(wires int) (*Network, error) {
	name, err := owned()
	if err != nil {
		return nil, err
	}
	n := &Network{name: name}
	if err := ip("netns add " + n.name); err != nil {
		return nil, err
	}
	if err := ip("-n " + n.name + " link set lo up"); err != nil {
		return nil, errors.Join(err, n.Remove())
	}
	for range wires {
		if err := n.lay(); err != nil {
			return nil, errors.Join(err, n.Remove())
		}
	}
	return n, nil
}

// lay adds a wire.
func (n *Network) lay() error {
	subnet, err := freeSubnet()
	if err != nil {
		return err
	}
	i := strconv.Itoa(len(n.Wires))
	device := "hs" + strconv.Itoa(os.Getpid()) + "-" + i // at most 15 characters
	w := Wire{Host: subnet + ".1", Inside: subnet + ".2", device: device}
	for _, arguments := range []string{
		"link add " + w.device + " type veth peer name eth" + i + " netns " + n.name,
		"address add " + w.Host + "/24 dev " + w.device,
		"link set " + w.device + " up",
		"-n " + n.name + " address add " + w.Inside + "/24 dev eth" + i,
		"-n " + n.name + " link set eth" + i + " up",
	} {
		if err := ip(arguments); err != nil {
			return err
		}
	}
	n.Wires = append(n.Wires, w)
	return nil
}

// Cut cuts the wire. Packets are lost, and connections stay open on both sides.
func (w Wire) Cut() error { return ip("link set " + w.device + " down") }

// Join joins a wire that was cut.
func (w Wire) Join() error { return ip("link set " + w.device + " up") }

// Command returns a command that runs in the namespace.
func (n *Network) Command(path string, arguments ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.name, path}, arguments...)...)
}

// Remove removes the namespace and its devices.
func (n *Network) Remove() error { return ip("netns delete " + n.name) }

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

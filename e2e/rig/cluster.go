package rig

//lint:file-ignore SA1019 The apiserver's proxy follows Endpoints, and no EndpointSlice.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/golang-jwt/jwt/v5"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Cluster is a real Kubernetes with Heapster behind a Service. Heapster has its own
// network.
type Cluster struct {
	*ControlPlane
	Network  *Network
	Heapster *Heapster // with the URL of its pod

	programs Programs
}

// The ports of Heapster in its pod.
const (
	heapsterPort    = 8082
	heapsterPortTLS = 8443
)

// StartCluster starts an empty cluster in an empty directory. It needs root and
// iproute2, and takes a few seconds.
func StartCluster(ctx context.Context, programs Programs, dir string) (_ *Cluster, err error) {
	c := &Cluster{programs: programs}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	if c.Network, err = NewNetwork(1); err != nil {
		return nil, err
	}
	if c.ControlPlane, err = startControlPlane(ctx, programs.Kubernetes, dir); err != nil {
		return c, err
	}
	return c, c.StartHeapster()
}

// StartHeapster starts Heapster's process, at the same address as before.
func (c *Cluster) StartHeapster() (err error) {
	c.Heapster, err = RunHeapster(c.Network.Command(c.programs.Heapster,
		"--listen", net.JoinHostPort(c.Network.Wires[0].Inside, portOf(heapsterPort)), "--feed", net.JoinHostPort(c.Network.Wires[0].Inside, "0"),
		// The apiserver does not verify a pod's certificate, so its own will do.
		"--listen-tls", net.JoinHostPort(c.Network.Wires[0].Inside, portOf(heapsterPortTLS)), "--tls-cert", c.file("tls.crt"), "--tls-key", c.file("tls.key")))
	return err
}

// StopHeapster ends Heapster's process. Its Service stays.
func (c *Cluster) StopHeapster() error {
	h := c.Heapster
	c.Heapster = nil
	return h.Stop()
}

// Stop ends all processes and removes the network.
func (c *Cluster) Stop() error {
	var errs []error
	if c.Heapster != nil {
		errs = append(errs, c.Heapster.Stop())
	}
	if c.ControlPlane != nil {
		errs = append(errs, c.ControlPlane.stop())
	}
	if c.Network != nil {
		errs = append(errs, c.Network.Remove())
	}
	return errors.Join(errs...)
}

// Expose gives Heapster a Service with these ports. It also makes what a node and
// the controllers would make: a running Pod, and Endpoints that point to it.
func (c *Cluster) Expose(ctx context.Context, namespace, name string, ports ...corev1.ServicePort) error {
	core := c.Admin.CoreV1()
	if _, err := core.Services(namespace).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Ports: ports},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	pod, err := core.Pods(namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "heapster", Image: "heapster"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	running := fmt.Sprintf(`{"status":{"phase":"Running","podIP":%q,"podIPs":[{"ip":%[1]q}]}}`, c.Network.Wires[0].Inside)
	if _, err := core.Pods(namespace).Patch(ctx, pod.Name, types.MergePatchType, []byte(running), metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	subset := corev1.EndpointSubset{Addresses: []corev1.EndpointAddress{{
		IP: c.Network.Wires[0].Inside, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: pod.Name, UID: pod.UID},
	}}}
	for _, port := range ports {
		subset.Ports = append(subset.Ports, corev1.EndpointPort{Name: port.Name, Port: port.TargetPort.IntVal})
	}
	_, err = core.Endpoints(namespace).Create(ctx, &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Subsets: []corev1.EndpointSubset{subset},
	}, metav1.CreateOptions{})
	return err
}

// Port is a Service's port that leads to Heapster. A Service with several ports has
// a name for each.
func Port(name string, port int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, TargetPort: intstr.FromInt32(heapsterPort)}
}

// PortTLS is a Service's port that leads to Heapster's TLS port.
func PortTLS(name string, port int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, TargetPort: intstr.FromInt32(heapsterPortTLS)}
}

// Token returns a new token of an existing service account, as a pod gets it.
func (c *Cluster) Token(ctx context.Context, namespace, account string) (string, error) {
	seconds := int64(time.Hour / time.Second)
	request, err := c.Admin.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return request.Status.Token, nil
}

// ExpiredToken returns a token as Token does, which expired an hour ago.
func (c *Cluster) ExpiredToken(ctx context.Context, namespace, account string) (string, error) {
	text, err := c.Token(ctx, namespace, account)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(text, claims)
	if err != nil {
		return "", err
	}
	for _, claim := range []string{"exp", "iat", "nbf"} {
		at, ok := claims[claim].(float64)
		if !ok {
			return "", fmt.Errorf("the token has no %s", claim)
		}
		claims[claim] = int64(at) - int64(2*time.Hour/time.Second)
	}
	return token.SignedString(c.signer)
}

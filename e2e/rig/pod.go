package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// serviceAccountDir is the directory of the token in a pod.
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// Pod is a pod with one container, as a kubelet and a container runtime run it: its
// user and groups, no capabilities, a read-only root directory with only the binary,
// volumes with the modes of fsGroup, the service account's token, and the
// apiserver's address. Missing are seccomp and limits; the network is this host's.
type Pod struct {
	Spec corev1.PodSpec

	init    podInit
	environ []string
}

// podInit describes what the process does before it becomes the container.
type podInit struct {
	Root    string
	Volumes []podVolume
	UID     int
	GID     int
	Groups  []int
	Command []string
	Parent  int // the process that must be alive
}

type podVolume struct {
	From     string // a directory; a tmpfs without one
	At       string
	ReadOnly bool
}

// NewPod prepares a pod below an empty directory. Claims are the directories of its
// persistent volume claims by name; NewPod gives them to the fsGroup.
func (c *Cluster) NewPod(ctx context.Context, namespace string, spec corev1.PodSpec, dir, binary string, claims map[string]string) (*Pod, error) {
	container := spec.Containers[0]
	p := &Pod{Spec: spec, init: podInit{
		Root:    filepath.Join(dir, "root"),
		UID:     int(ptr.Deref(spec.SecurityContext.RunAsUser, 0)),
		GID:     int(ptr.Deref(spec.SecurityContext.RunAsGroup, 0)),
		Command: append([]string{"/heapstash"}, container.Args...),
	}}
	if spec.SecurityContext.FSGroup != nil {
		p.init.Groups = []int{int(*spec.SecurityContext.FSGroup)}
	}
	if len(container.Command) > 0 || !ptr.Deref(container.SecurityContext.ReadOnlyRootFilesystem, false) {
		return nil, errors.New("rig: cannot run this container: it has a command, or can write to its root directory")
	}
	if err := copyFile(binary, filepath.Join(p.init.Root, "heapstash")); err != nil {
		return nil, err
	}
	server, err := url.Parse(c.Server)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(server.Host)
	if err != nil {
		return nil, err
	}
	p.environ = []string{"PATH=/bin", "HOME=/", "KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port}
	for _, e := range container.Env {
		p.environ = append(p.environ, e.Name+"="+e.Value)
	}
	for _, mount := range container.VolumeMounts {
		v := podVolume{At: mount.MountPath, ReadOnly: mount.ReadOnly}
		if v.From, err = c.volume(ctx, namespace, spec, mount.Name, dir, claims); err != nil {
			return nil, err
		}
		p.init.Volumes = append(p.init.Volumes, v)
	}
	if ptr.Deref(spec.AutomountServiceAccountToken, true) {
		account, err := c.serviceAccount(ctx, namespace, spec.ServiceAccountName, filepath.Join(dir, "serviceaccount"))
		if err != nil {
			return nil, err
		}
		p.init.Volumes = append(p.init.Volumes, podVolume{From: account, At: serviceAccountDir, ReadOnly: true})
	}
	for _, v := range p.init.Volumes {
		if err := os.MkdirAll(filepath.Join(p.init.Root, v.At), 0o755); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// volume makes a volume of the pod and returns its directory.
func (c *Cluster) volume(ctx context.Context, namespace string, spec corev1.PodSpec, name, dir string, claims map[string]string) (string, error) {
	at := filepath.Join(dir, "volume-"+name)
	for _, v := range spec.Volumes {
		switch {
		case v.Name != name:
		case v.ConfigMap != nil:
			content, err := c.Admin.CoreV1().ConfigMaps(namespace).Get(ctx, v.ConfigMap.Name, metav1.GetOptions{})
			if err != nil {
				return "", err
			}
			return at, writeDir(at, content.Data)
		case v.EmptyDir != nil:
			return "", nil
		case v.PersistentVolumeClaim != nil:
			claim, ok := claims[v.PersistentVolumeClaim.ClaimName]
			if !ok {
				return "", fmt.Errorf("no claim %s", v.PersistentVolumeClaim.ClaimName)
			}
			return claim, giveToGroup(claim, spec.SecurityContext.FSGroup)
		default:
			return "", fmt.Errorf("rig: cannot make a volume of the kind of %s", name)
		}
	}
	return "", fmt.Errorf("no volume %s", name)
}

// giveToGroup does what a kubelet does for fsGroup: the owner stays root.
func giveToGroup(dir string, group *int64) error {
	if group == nil {
		return nil
	}
	return errors.Join(os.Chown(dir, 0, int(*group)), os.Chmod(dir, 0o770|os.ModeSetgid))
}

// serviceAccount makes the volume with an account's token.
func (c *Cluster) serviceAccount(ctx context.Context, namespace, account, dir string) (string, error) {
	token, err := c.Token(ctx, namespace, account)
	if err != nil {
		return "", err
	}
	return dir, writeDir(dir, map[string]string{"token": token, "ca.crt": string(c.authority.pem()), "namespace": namespace})
}

func writeDir(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}

// Run sets another command of heapstash, as for `kubectl exec`.
func (p *Pod) Run(arguments ...string) { p.init.Command = append([]string{"/heapstash"}, arguments...) }

// Command returns the container's process for [Start]. It is this program, which
// [RunPodInit] turns into the container. It ends with this process.
func (p *Pod) Command(ctx context.Context) (*exec.Cmd, error) {
	p.init.Parent = os.Getpid()
	text, err := json.Marshal(p.init)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self)
	command.Env = append([]string{podInitVariable + "=" + string(text)}, p.environ...)
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	return command, nil
}

// Probe returns the URL of an HTTP probe of the container.
func (p *Pod) Probe(probe *corev1.Probe) (string, error) {
	if probe == nil || probe.HTTPGet == nil {
		return "", errors.New("no HTTP probe")
	}
	port := probe.HTTPGet.Port.String()
	for _, declared := range p.Spec.Containers[0].Ports {
		if declared.Name == port {
			port = strconv.Itoa(int(declared.ContainerPort))
		}
	}
	if _, err := strconv.Atoi(port); err != nil {
		return "", fmt.Errorf("no port %s is declared", port)
	}
	return "http://127.0.0.1:" + port + "/" + strings.TrimPrefix(probe.HTTPGet.Path, "/"), nil
}

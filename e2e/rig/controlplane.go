package rig

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ControlPlane is a running kube-apiserver with its etcd, without nodes and
// controllers.
type ControlPlane struct {
	Server string // the apiserver's URL, on loopback
	CAFile string
	// AdminConf is a kubeconfig as kubeadm writes it, with a client certificate of
	// the group system:masters.
	AdminConf string
	Admin     *kubernetes.Clientset // of that user

	dir       string
	program   string
	port      string
	authority authority
	signer    *ecdsa.PrivateKey // of service accounts' tokens
	etcd      *process
	etcdURL   string
	apiserver *process
}

// startControlPlane starts a control plane in an empty directory.
func startControlPlane(ctx context.Context, program, dir string) (_ *ControlPlane, err error) {
	c := &ControlPlane{dir: dir, program: program, CAFile: filepath.Join(dir, "ca.crt"), AdminConf: filepath.Join(dir, "admin.conf")}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	if c.port, err = FreePort(); err != nil {
		return nil, err
	}
	c.Server = "https://127.0.0.1:" + c.port
	if err := c.writeSecrets(); err != nil {
		return nil, err
	}
	if err := c.startEtcd(); err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.AdminConf)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	if c.Admin, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if err := c.startAPIServer(); err != nil {
		return nil, err
	}
	return c, c.awaitReady(ctx)
}

// FreePort returns a port of loopback where no one listens.
func FreePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// writeSecrets writes certificates, keys and the administrator's kubeconfig.
func (c *ControlPlane) writeSecrets() error {
	var err error
	if c.authority, err = newAuthority(); err != nil {
		return err
	}
	certificate, key, err := c.authority.server()
	if err != nil {
		return err
	}
	if c.signer, err = newKey(); err != nil {
		return err
	}
	signerPEM, err := keyPEM(c.signer)
	if err != nil {
		return err
	}
	if err := writeFiles(map[string][]byte{
		c.CAFile:          c.authority.pem(),
		c.file("tls.crt"): certificate,
		c.file("tls.key"): key,
		c.file("sa.key"):  signerPEM,
	}); err != nil {
		return err
	}
	admin := clientcmdapi.AuthInfo{}
	admin.ClientCertificateData, admin.ClientKeyData, err = c.authority.client("kubernetes-admin", "system:masters")
	if err != nil {
		return err
	}
	return c.WriteKubeconfig(c.AdminConf, c.Server, admin)
}

func (c *ControlPlane) file(name string) string { return filepath.Join(c.dir, name) }

// WriteKubeconfig writes a kubeconfig for a user of this apiserver at the URL.
func (c *ControlPlane) WriteKubeconfig(path, server string, user clientcmdapi.AuthInfo) error {
	return WriteKubeconfig(path, server, c.authority.pem(), user)
}

// WriteKubeconfig writes a kubeconfig with one context, user@kubernetes. Authority
// is the certificate, in PEM, that signed the server's.
func WriteKubeconfig(path, server string, authority []byte, user clientcmdapi.AuthInfo) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["kubernetes"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos["user"] = &user
	config.Contexts["user@kubernetes"] = &clientcmdapi.Context{Cluster: "kubernetes", AuthInfo: "user"}
	config.CurrentContext = "user@kubernetes"
	return clientcmd.WriteToFile(*config, path)
}

func (c *ControlPlane) startEtcd() error {
	command := exec.Command(c.program, "etcd", c.file("etcd"))
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if c.etcd, err = start(command); err != nil {
		return err
	}
	var urls struct{ Client string }
	if err := json.NewDecoder(stdout).Decode(&urls); err != nil {
		return fmt.Errorf("etcd's first line: %w", err)
	}
	c.etcdURL = urls.Client
	return nil
}

func (c *ControlPlane) startAPIServer() error {
	log, err := os.OpenFile(c.file("apiserver.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(c.program, "kube-apiserver",
		"--etcd-servers="+c.etcdURL,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+c.port,
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
		"--cert-dir="+c.dir, "--tls-cert-file="+c.file("tls.crt"), "--tls-private-key-file="+c.file("tls.key"),
		"--client-ca-file="+c.CAFile,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file="+c.file("sa.key"), "--service-account-key-file="+c.file("sa.key"),
		"--authorization-mode=RBAC", "--allow-privileged=true", // only Pod Security refuses pods
		// They wait for controllers, which are not there.
		"--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection")
	command.Stdout, command.Stderr = log, log
	c.apiserver, err = start(command)
	return err
}

// awaitReady waits until the apiserver has made its own objects, such as roles.
func (c *ControlPlane) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		answer, err := c.Admin.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil && bytes.Equal(answer, []byte("ok")) {
			return nil
		}
		select {
		case <-c.apiserver.exited:
			log, _ := os.ReadFile(c.file("apiserver.log"))
			return fmt.Errorf("kube-apiserver ended: %w\n%s", c.apiserver.err, log[max(0, len(log)-4000):])
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver is not ready: %w: %s", err, answer)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill kills the apiserver, as a power failure does.
func (c *ControlPlane) Kill() error { return c.apiserver.stop(syscall.SIGKILL) }

// Start starts the apiserver after Kill, at the same address as before.
func (c *ControlPlane) Start(ctx context.Context) error {
	if err := c.startAPIServer(); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

// Kubectl runs kubectl as the administrator and returns its output.
func (c *ControlPlane) Kubectl(ctx context.Context, arguments ...string) (string, error) {
	return c.kubectl(ctx, nil, arguments)
}

// KubectlStdin is Kubectl with an input.
func (c *ControlPlane) KubectlStdin(ctx context.Context, stdin string, arguments ...string) (string, error) {
	return c.kubectl(ctx, []byte(stdin), arguments)
}

func (c *ControlPlane) kubectl(ctx context.Context, stdin []byte, arguments []string) (string, error) {
	command := exec.CommandContext(ctx, c.program, append([]string{"kubectl", "--kubeconfig", c.AdminConf}, arguments...)...)
	command.Env = append(os.Environ(), "HOME="+c.dir) // its cache
	command.Stdin = bytes.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %q: %w\n%s", arguments, err, out)
	}
	return string(out), nil
}

// stop ends the processes. The apiserver comes first: it would wait for etcd.
func (c *ControlPlane) stop() error {
	var errs []error
	if c.apiserver != nil {
		errs = append(errs, c.apiserver.stop(syscall.SIGKILL))
	}
	if c.etcd != nil {
		errs = append(errs, c.etcd.stop(syscall.SIGKILL))
	}
	return errors.Join(errs...)
}

// portOf spells a port for a flag.
func portOf(port int32) string { return strconv.Itoa(int(port)) }

// APIServerID is the process id of the apiserver.
func (c *ControlPlane) APIServerID() int { return c.apiserver.command.Process.Pid }

package failure_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"heapstash/heapster/heapstertest"
	"heapstash/internal/need"
)

// authority is a CA for the tests' servers.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	file string // PEM
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// rsaKeyOf makes short keys too, which crypto/rsa refuses.
func rsaKeyOf(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	if bits < 1024 {
		t.Setenv("GODEBUG", "rsa1024min=0")
		defer t.Setenv("GODEBUG", "")
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// longKey looks like a key of 9000 bits in a certificate. A real one takes a minute to
// make.
func longKey(t *testing.T) crypto.Signer {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), 9000-1)
	return unsigning{&rsa.PublicKey{N: n.Add(n, big.NewInt(12345)), E: 65537}}
}

// unsigning is a key whose signatures are wrong.
type unsigning struct{ public *rsa.PublicKey }

func (k unsigning) Public() crypto.PublicKey { return k.public }

func (k unsigning) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, k.public.Size()), nil
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// template returns a good certificate for 127.0.0.1.
func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
}

// serial is a serial number that can be found in a certificate's bytes.
var serial = []byte{0x5a, 0x5b, 0x5c, 0x5d}

func newAuthority(t *testing.T, edit func(*x509.Certificate)) *authority {
	t.Helper()
	c := template("the authority")
	c.IsCA, c.BasicConstraintsValid, c.IPAddresses = true, true, nil
	if edit != nil {
		edit(c)
	}
	a := &authority{cert: c, key: rsaKey()}
	a.cert = parsed(t, a.sign(t, c, a.key))
	a.file = heapstertest.CertificateFile(t, a.cert)
	return a
}

func (a *authority) sign(t *testing.T, c *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issue returns a server's certificate for the key.
func (a *authority) issue(t *testing.T, key crypto.Signer, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	c := template("kubernetes")
	if edit != nil {
		edit(c)
	}
	return tls.Certificate{Certificate: [][]byte{a.sign(t, c, key)}, PrivateKey: key}
}

func parsed(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// negative makes the serial number of a certificate negative, which
// x509.CreateCertificate does not, and signs it again.
func (a *authority) negative(t *testing.T, c tls.Certificate) tls.Certificate {
	t.Helper()
	var raw struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.Certificate[0], &raw); err != nil {
		t.Fatal(err)
	}
	below := slices.Clone(serial)
	below[0] |= 0x80
	tbs := bytes.Replace(raw.TBS.FullBytes, serial, below, 1)
	hash := crypto.SHA256.New()
	hash.Write(tbs)
	signature, err := a.key.Sign(rand.Reader, hash.Sum(nil), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	raw.TBS = asn1.RawValue{FullBytes: tbs}
	raw.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	der, err := asn1.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.PrivateKey}
}

// secure serves an empty list over TLS.
func secure(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: heapstertest.Quiet(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "[]")
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// selfSignedLeaf returns a server's certificate that signed itself and is not a CA.
func selfSignedLeaf(t *testing.T) tls.Certificate {
	t.Helper()
	a := &authority{cert: template("itself"), key: rsaKey()}
	return a.issue(t, rsaKey(), func(c *x509.Certificate) { *c = *a.cert })
}

// version1 returns a CA whose certificate has no extensions, as from old scripts.
func version1(t *testing.T) *authority {
	t.Helper()
	key := heapstertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})))
	request, cert := key+".csr", key+".crt"
	for _, args := range [][]string{
		{"req", "-new", "-key", key, "-subj", "/CN=version 1", "-out", request},
		{"x509", "-req", "-in", request, "-signkey", key, "-days", "1", "-out", cert},
	} {
		if out, err := exec.Command(need.Program(t, "openssl"), args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
		}
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return &authority{cert: parsed(t, block.Bytes), key: rsaKey(), file: cert}
}

// openssl serves a web page with openssl s_server, which has forms of TLS that Go's
// server does not have.
func openssl(t *testing.T, c tls.Certificate, args ...string) (address string) {
	t.Helper()
	program := need.Program(t, "openssl")
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = probe.Addr().String()
	probe.Close()
	certFile := heapstertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})))
	keyFile := heapstertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	var said bytes.Buffer
	cmd := exec.Command(program, append([]string{"s_server", "-quiet", "-www", "-accept", address, "-cert", certFile, "-key", keyFile}, args...)...)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended })
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return address
		}
		select {
		case <-ended:
			need.Skip(t, fmt.Errorf("this openssl is no server of this kind: %s", said.Bytes()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// middleBox is a relay to the server. It gives the first record of each connection to
// edit, which may change it. If edit returns nil, the box sends nothing on, or with
// hangUp resets the connection.
func middleBox(t *testing.T, server string, hangUp bool, edit func(record []byte) []byte) (address string) {
	t.Helper()
	return listen(t, func(client net.Conn) {
		record := firstRecord(client)
		edited := edit(record)
		switch {
		case edited == nil && hangUp:
			client.(*net.TCPConn).SetLinger(0) // a reset, not an end
			return
		case edited == nil:
			io.Copy(io.Discard, client)
			return
		}
		relay(client, server, edited)
	})
}

// relay connects the client with the server, after sending first to the server.
func relay(client net.Conn, server string, first []byte) {
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	upstream.Write(first)
	go func() {
		io.Copy(upstream, client)
		upstream.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, upstream)
}

func firstRecord(conn net.Conn) []byte {
	header := make([]byte, 5)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil
	}
	record := make([]byte, 5+int(header[3])<<8+int(header[4]))
	copy(record, header)
	io.ReadFull(conn, record[5:])
	return record
}

// atMost lets first records pass that are not longer.
func atMost(longest int) func([]byte) []byte {
	return func(record []byte) []byte {
		if len(record) > longest {
			return nil
		}
		return record
	}
}

// before13 hides a ClientHello's extension supported_versions, so that the server
// answers as one from before TLS 1.3.
func before13(record []byte) []byte {
	at := 5 + 4 + 2 + 32 // the record's header, the message's, the version, the random
	at += 1 + int(record[at])
	at += 2 + int(record[at])<<8 + int(record[at+1])
	at += 1 + int(record[at])
	at += 2
	for at+4 <= len(record) {
		if record[at] == 0 && record[at+1] == 43 {
			record[at], record[at+1] = 0xfa, 0xfe
		}
		at += 4 + int(record[at+2])<<8 + int(record[at+3])
	}
	return record
}

package failure_test

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// askTLS asks the server at the address and trusts the CA in the file.
func askTLS(t *testing.T, address, caFile string) error {
	t.Helper()
	hc, err := heapster.DirectClient(heapster.DirectOptions{CAFile: caFile})
	if err != nil {
		t.Fatal(err)
	}
	defer hc.CloseIdleConnections()
	_, err = heapstertest.NewClient(t, hc, "https://"+address, heapster.Options{Tries: 1, Timeout: 2 * time.Second}).List(t.Context(), schema.Node, schema.ClusterEntity())
	var protocol *failure.ProtocolError
	if errors.As(err, &protocol) && protocol.HTML {
		return nil // openssl's page
	}
	return err
}

const anyCipher = "ALL:@SECLEVEL=0"

// Each failure of TLS has its message and its hint. The setting of GODEBUG in the hint
// is tried with this version of Go.
func TestTLSFailures(t *testing.T) {
	ca := newAuthority(t, nil)
	good := ca.issue(t, rsaKey(), nil)
	old := func(suites ...uint16) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12, CipherSuites: suites}
	}
	with := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	sha1 := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }
	const (
		kubectl = "--server http://127.0.0.1:8001 instead of --heapster-url"
		oldTLS  = "GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1"
	)

	for name, test := range map[string]struct {
		server        func(t *testing.T) string
		message, hint string
		wayOut        string // the setting of GODEBUG in the hint, if there is one
	}{
		"no names": {func(t *testing.T) string {
			return secure(t, with(ca.issue(t, rsaKey(), func(c *x509.Certificate) { c.IPAddresses = nil })))
		}, "doesn't contain any IP SANs", "has no subject alternative name, and Go ignores the common name (CN): reissue it with subject alternative names, or let a kubectl", ""},
		"other names": {func(t *testing.T) string {
			return secure(t, with(ca.issue(t, rsaKey(), func(c *x509.Certificate) {
				c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(10, 0, 0, 1)}, []string{"kubernetes", "master.example"}
			})))
		}, "certificate is valid for 10.0.0.1", "for other names, kubernetes, master.example, 10.0.0.1: use one of", ""},
		"expired": {func(t *testing.T) string {
			return secure(t, with(ca.issue(t, rsaKey(), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })))
		}, "certificate has expired", "the server's certificate was valid until 2", ""},
		"not yet valid": {func(t *testing.T) string {
			return secure(t, with(ca.issue(t, rsaKey(), func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })))
		}, "not yet valid", "on: check the clock here", ""},
		"for clients": {func(t *testing.T) string {
			return secure(t, with(ca.issue(t, rsaKey(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })))
		}, "incompatible key usage", "extended key usage serverAuth", ""},
		"other CA": {func(t *testing.T) string {
			other := newAuthority(t, func(c *x509.Certificate) { c.Subject.CommonName = "another authority" })
			return secure(t, with(other.issue(t, rsaKey(), nil)))
		}, "unknown authority", "give the CA that signed the server's certificate with --ca-file", ""},
		"other CA of that name": {func(t *testing.T) string {
			other := &authority{cert: ca.cert, key: rsaKeyOf(t, 2048)}
			c := template("the authority")
			c.IsCA, c.BasicConstraintsValid, c.SubjectKeyId = true, true, ca.cert.SubjectKeyId
			other.cert = c
			other.cert = parsed(t, other.sign(t, c, other.key))
			return secure(t, with(other.issue(t, rsaKey(), nil)))
		}, "candidate authority", "has the right name and another key", ""},
		"self-signed": {func(t *testing.T) string {
			other := newAuthority(t, func(c *x509.Certificate) { c.IPAddresses = template("").IPAddresses; c.Subject.CommonName = "itself" })
			return secure(t, with(tls.Certificate{Certificate: [][]byte{other.cert.Raw}, PrivateKey: other.key}))
		}, "unknown authority", "signed itself: give that certificate with --ca-file", ""},
		"SHA-1": {func(t *testing.T) string { return secure(t, with(ca.issue(t, rsaKey(), sha1))) },
			"insecure algorithm SHA1-RSA", "signed with SHA-1 or MD5, whatever the CA: reissue", ""},
		"negative serial": {func(t *testing.T) string { return secure(t, with(ca.negative(t, good))) },
			"negative serial number", "set GODEBUG=x509negativeserial=1", "x509negativeserial=1"},
		"long key": {func(t *testing.T) string { return secure(t, with(ca.issue(t, longKey(t), nil))) },
			"RSA key larger than 8192 bits", "set GODEBUG=tlsmaxrsasize=16384", ""},
		"short key": {func(t *testing.T) string {
			return openssl(t, ca.issue(t, rsaKeyOf(t, 768), nil), "-cipher", anyCipher)
		}, "768-bit keys are insecure", "set GODEBUG=rsa1024min=0", "rsa1024min=0"},

		"TLS 1.1": {func(t *testing.T) string {
			return secure(t, &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		}, "protocol version not supported", "the server's newest TLS is 1.1", ""},
		"TLS 1.0 of a server older than 1.3": {func(t *testing.T) string {
			return middleBox(t, openssl(t, good, "-tls1", "-cipher", anyCipher), false, before13)
		}, "server selected unsupported protocol version 301", "the server's newest TLS is 1.1", ""},
		"RSA key exchange": {func(t *testing.T) string { return secure(t, old(tls.TLS_RSA_WITH_AES_128_CBC_SHA)) },
			"handshake failure", oldTLS, "tlsrsakex=1"},
		"RSA key exchange of openssl": {func(t *testing.T) string {
			return openssl(t, good, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
		}, "handshake failure", oldTLS, "tlsrsakex=1"},
		"3DES": {func(t *testing.T) string { return secure(t, old(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA)) },
			"handshake failure", oldTLS, "tls3des=1"},
		"3DES and RSA key exchange": {func(t *testing.T) string { return secure(t, old(tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA)) },
			"handshake failure", oldTLS, "tlsrsakex=1,tls3des=1,tlssha1=1"},
		"SHA-1 signatures": {func(t *testing.T) string {
			return openssl(t, good, "-tls1_2", "-sigalgs", "RSA+SHA1", "-cipher", anyCipher)
		}, "handshake failure", oldTLS, "tlssha1=1"},
		"RC4": {func(t *testing.T) string { return secure(t, old(tls.TLS_RSA_WITH_RC4_128_SHA)) },
			"handshake failure", kubectl, ""},
		"P-224 for the keys": {func(t *testing.T) string {
			return openssl(t, good, "-tls1_2", "-groups", "secp224r1", "-cipher", "ECDHE:@SECLEVEL=0")
		}, "handshake failure", kubectl, ""},
		"P-224 in the certificate": {func(t *testing.T) string {
			return openssl(t, ca.issue(t, ecKey(t, elliptic.P224()), nil), "-cipher", anyCipher)
		}, "handshake failure", kubectl, ""},

		"client certificate": {func(t *testing.T) string {
			return secure(t, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12})
		}, "remote error: tls: ", "requires a client certificate: give one with --client-cert-file and --client-key-file", ""},
		"client certificate, TLS 1.3": {func(t *testing.T) string {
			return secure(t, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert})
		}, "", "with --client-cert-file and --client-key-file", ""},
		"long message is reset": {func(t *testing.T) string { return middleBox(t, secure(t, with(good)), true, atMost(1400)) },
			"connection reset by peer in the TLS handshake", "set GODEBUG=tlsmlkem=0", "tlsmlkem=0"},
		"long message is dropped": {func(t *testing.T) string { return middleBox(t, secure(t, with(good)), false, atMost(1400)) },
			"no whole answer within 2s in the TLS handshake", "set GODEBUG=tlsmlkem=0", "tlsmlkem=0"},
		"long message is refused": {func(t *testing.T) string {
			server := secure(t, with(good))
			return listen(t, func(conn net.Conn) {
				record := firstRecord(conn)
				if len(record) > 1400 {
					conn.Write(alert(50)) // decode_error
					return
				}
				relay(conn, server, record)
			})
		}, "error decoding message", "set GODEBUG=tlsmlkem=0", "tlsmlkem=0"},
	} {
		t.Run(name, func(t *testing.T) {
			address := test.server(t)
			err := askTLS(t, address, ca.file)
			heapstertest.CheckError(t, err, schema.ErrUnreachable, test.message, test.hint)
			if hint := schema.HintOf(err); strings.Contains(hint, "kubeconfig") {
				t.Errorf("the hint %q names a kubeconfig, which does not go with --heapster-url", hint)
			}
			if test.wayOut == "" {
				return
			}
			t.Setenv("GODEBUG", test.wayOut)
			if err := askTLS(t, address, ca.file); err != nil {
				t.Errorf("with GODEBUG=%s: %v", test.wayOut, err)
			}
		})
	}
}

// With the setting, a key that is too long gets as far as the check of its signature,
// which this key cannot make.
func TestLongKey(t *testing.T) {
	ca := newAuthority(t, nil)
	address := secure(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, longKey(t), nil)}})
	t.Setenv("GODEBUG", "tlsmaxrsasize=16384")
	if err := askTLS(t, address, ca.file); err == nil || !strings.Contains(err.Error(), "invalid signature by the server certificate") {
		t.Errorf("got %v", err)
	}
}

// A hint does not advise a setting that is already there.
func TestSettingsThatDoNotHelp(t *testing.T) {
	ca := newAuthority(t, nil)
	address := secure(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, rsaKey(), nil)},
		MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}})
	for value, hint := range map[string]string{
		"tlssha1=1,tlsrsakex=1,tls3des=1": "GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1 is set and does not help; or",
		"tlsrsakex=1":                     "set GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1 in heapstash's environment; or",
	} {
		t.Setenv("GODEBUG", value)
		heapstertest.CheckError(t, askTLS(t, address, ca.file), schema.ErrUnreachable, "handshake failure", hint)
	}
}

// Old forms of TLS that work without any setting.
func TestOldTLSThatWorks(t *testing.T) {
	ca := newAuthority(t, nil)
	good := ca.issue(t, rsaKey(), nil)
	for name, test := range map[string]struct {
		config *tls.Config
		caFile string
	}{
		"ECDHE with CBC": {&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA}}, ca.file},
		"TLS 1.2":            {&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, ca.file},
		"P-521":              {&tls.Config{Certificates: []tls.Certificate{ca.issue(t, ecKey(t, elliptic.P521()), nil)}}, ca.file},
		"self-signed, no CA": {&tls.Config{Certificates: []tls.Certificate{selfSignedLeaf(t)}}, ""},
		"RSA of 1024 bits":   {&tls.Config{Certificates: []tls.Certificate{ca.issue(t, rsaKeyOf(t, 1024), nil)}}, ca.file},
	} {
		t.Run(name, func(t *testing.T) {
			caFile := test.caFile
			if caFile == "" {
				caFile = heapstertest.CertificateFile(t, parsed(t, test.config.Certificates[0].Certificate[0]))
			}
			if err := askTLS(t, secure(t, test.config), caFile); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a version 1 CA", func(t *testing.T) {
		v1 := version1(t)
		if v1.cert.Version != 1 {
			t.Fatalf("the CA is of version %d", v1.cert.Version)
		}
		if err := askTLS(t, secure(t, &tls.Config{Certificates: []tls.Certificate{v1.issue(t, rsaKey(), nil)}}), v1.file); err != nil {
			t.Error(err)
		}
	})
}

// alert is a TLS record with which a server ends the handshake.
func alert(code byte) []byte { return []byte{21, 3, 1, 0, 2, 2, code} }

// TestAlerts: the hint depends on the alert.
func TestAlerts(t *testing.T) {
	for code, hint := range map[byte]string{
		10:  "GODEBUG=tlsmlkem=0",                        // unexpected_message
		22:  "GODEBUG=tlsmlkem=0",                        // record_overflow
		40:  "GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1",   // handshake_failure
		42:  "requires a client certificate",             // bad_certificate
		44:  "certificate is revoked",                    // certificate_revoked
		45:  "certificate has expired: renew",            // certificate_expired
		46:  "refuses the client's certificate",          // certificate_unknown
		47:  "GODEBUG=tlsmlkem=0",                        // illegal_parameter
		48:  "the CA that the server trusts for clients", // unknown_ca
		70:  "newest TLS is 1.1",                         // protocol_version
		71:  "GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1",   // insufficient_security
		80:  "GODEBUG=tlsmlkem=0",                        // internal_error
		112: "no certificate for this name",              // unrecognized_name
		116: "requires a client certificate",             // certificate_required
		120: "neither HTTP/2 nor HTTP/1.1",               // no_application_protocol
		90:  "its log says why",                          // user_canceled
	} {
		address := listen(t, func(conn net.Conn) {
			firstRecord(conn)
			conn.Write(alert(code))
		})
		err := askTLS(t, address, "")
		heapstertest.CheckError(t, err, schema.ErrUnreachable, "remote error: tls: ", hint)
		if h := schema.HintOf(err); strings.Contains(h, "kubeconfig") {
			t.Errorf("alert %d: the hint %q names a kubeconfig, which does not go with --heapster-url", code, h)
		}
	}
}

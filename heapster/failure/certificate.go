package failure

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// certificateHint is for a server's certificate that crypto/x509 refused. It is
// empty for other errors.
func (e *TransportError) certificateHint() string {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(e.Err, &authority):
		return e.authorityHint(authority)
	case errors.As(e.Err, &hostname):
		return e.namesHint(hostname.Certificate)
	case errors.As(e.Err, &invalid):
		return e.invalidHint(invalid)
	case strings.Contains(e.Err.Error(), "failed to verify certificate"):
		return "Go refuses the server's certificate: reissue it, " + e.oldKubectl()
	default:
		return ""
	}
}

func (e *TransportError) authorityHint(err x509.UnknownAuthorityError) string {
	switch text := err.Error(); {
	case strings.Contains(text, "insecure algorithm"):
		return "Go refuses certificates that are signed with SHA-1 or MD5, whatever the CA: reissue the server's with SHA-256, " + e.oldKubectl()
	case strings.Contains(text, "candidate authority certificate"):
		return "the given CA has the right name and another key, perhaps from an earlier installation: give the present CA " + e.authorityPlace()
	case err.Cert != nil && bytes.Equal(err.Cert.RawIssuer, err.Cert.RawSubject):
		return "the server's certificate signed itself: give that certificate " + e.authorityPlace()
	default:
		return "give the CA that signed the server's certificate " + e.authorityPlace()
	}
}

// namesHint tells a certificate with other names from one that has only a common
// name, which Go ignores.
func (e *TransportError) namesHint(c *x509.Certificate) string {
	const most = 6
	var names []string
	if c != nil {
		names = append(names, c.DNSNames...)
		for _, ip := range c.IPAddresses {
			names = append(names, ip.String())
		}
	}
	switch {
	case len(names) == 0:
		return "the certificate has no subject alternative name, and Go ignores the common name (CN): reissue it with subject alternative names, " + e.oldKubectl()
	case len(names) > most:
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return "the certificate is for other names, " + oneLine(strings.Join(names, ", ")) + ": " + e.otherName()
}

func (e *TransportError) invalidHint(err x509.CertificateInvalidError) string {
	whose := "the server's certificate"
	if err.Cert != nil && err.Cert.IsCA {
		whose = "the CA's certificate"
	}
	switch {
	case err.Reason == x509.Expired && err.Cert != nil && err.Cert.NotBefore.After(time.Now()):
		return whose + " is valid from " + stamp(err.Cert.NotBefore) + " on: check the clock here, and the clock of the machine that issued it"
	case err.Reason == x509.Expired && err.Cert != nil:
		return whose + " was valid until " + stamp(err.Cert.NotAfter) + ": renew it, and check the clock here"
	case err.Reason == x509.IncompatibleUsage:
		return whose + " is not for servers: reissue it with the extended key usage serverAuth"
	case err.Reason == x509.NotAuthorizedToSign:
		return "the certificate that signed the server's certificate is not a CA: reissue the server's certificate, " + e.oldKubectl()
	default:
		return "Go refuses " + whose + ": reissue it, " + e.oldKubectl()
	}
}

// stamp spells a time in UTC.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

package conn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive"
	"heapstash/schema"
)

// Codes of a server's exceptions.
const (
	unknownTable       = 60
	unknownDatabase    = 81
	tooManyQueries     = 202
	socketTimeout      = 209 // between servers
	networkError       = 210
	readOnlyTable      = 242
	noReplica          = 279 // no replica of a shard could be connected
	unknownUser        = 192
	wrongPassword      = 193
	keeperError        = 999
	accessDenied       = 497
	authentication     = 516
	staleReplicas      = 369
	noSpace            = 243
	memoryLimit        = 241
	timeout            = 159
	noKeeperInSettings = 139
	noKeeper           = 225
	requiredPassword   = 194
	addressNotAllowed  = 195
	readOnlyUser       = 164
	noDDL              = 392
	databaseDenied     = 291
	tooManyRows        = 158
	tooManyBytes       = 307
	tooLargeResult     = 396
)

// Explain adds the archive's address to an error, and a hint. It keeps nil.
func (c *Conn) Explain(err error) error {
	if err == nil || schema.HintOf(err) != "" {
		return err
	}
	err = fmt.Errorf("archive %s: %w", c.Address, err)
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	if !ok {
		if hint := hintOfTLS(err); hint != "" {
			return schema.WithHint(err, hint)
		}
		if dns, unknown := errors.AsType[*net.DNSError](err); unknown {
			return schema.WithHint(err, "is the name of the host right? Names are looked up on this machine, where "+dns.Name+" is not known")
		}
		if _, network := errors.AsType[net.Error](err); network || errors.Is(err, io.EOF) {
			return schema.WithHint(err, "is the server up, and is the port that of the native protocol (9000, or 9440 with secure=true)?")
		}
		return err
	}
	if hint := c.hint(exception); hint != "" {
		return schema.WithHint(err, hint)
	}
	return err
}

// hintOfTLS says what to do if a server's certificate is refused, or if the server does
// not speak TLS; empty for other errors.
func hintOfTLS(err error) string {
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		return "the port does not speak TLS: use the server's tcp_port_secure (usually 9440), or leave secure=true out"
	}
	if wrong, is := errors.AsType[x509.HostnameError](err); is {
		return "the server's certificate is for " + namesOf(wrong.Certificate) + ": use one of these names in the address"
	}
	if invalid, is := errors.AsType[x509.CertificateInvalidError](err); is && invalid.Reason == x509.Expired {
		return "renew the server's certificate; or is a clock wrong?"
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return "archive.ca_file must have the certificate of the authority that signed the server's"
	}
	return ""
}

// namesOf lists the names that a certificate is for.
func namesOf(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no host"
	}
	return strings.Join(names, ", ")
}

// hint says what to do after an exception of the server.
func (c *Conn) hint(e *clickhouse.Exception) string {
	switch e.Code {
	case networkError, noReplica:
		if shards := c.nameShards(e.Message); shards != "" {
			return "no server of " + shards + " answers: start one; the archive is as it was, and the next pass asks Heapster again"
		}
		return "a server of the cluster does not answer: start it"
	case socketTimeout:
		if shards := c.nameShards(e.Message); shards != "" {
			return "a server of " + shards + " is silent: restart it; the archive is as it was, and the next pass asks Heapster again"
		}
		return "a server of the cluster is silent: restart it"
	case staleReplicas:
		return "no replica of a shard is known to have all rows: they are behind, or have lost ZooKeeper or ClickHouse Keeper; heapstash doctor names them"
	case unknownUser, wrongPassword, requiredPassword, authentication:
		return "the user is in the address, the password in archive.password_file or HEAPSTASH_ARCHIVE_PASSWORD"
	case addressNotAllowed:
		return "the server does not let the user in from this machine: see the user's networks in its users.xml, or ALTER USER ... HOST"
	case readOnlyUser:
		return "the user's profile has readonly: passes need a user with readonly = 0"
	case noDDL:
		return "the user's profile has allow_ddl = 0: set it to 1, or make the tables by hand (heapstash schema --engine clickhouse --server-version 18.16)"
	case databaseDenied:
		return "let the user use the database: allow_databases in users.xml, or GRANT"
	case tooManyRows, tooManyBytes, tooLargeResult:
		return "a limit of the user's profile is too low: raise it, or give heapstash a user with another profile"
	case accessDenied:
		return "grant the user SELECT, INSERT, CREATE, ALTER and DROP on the database, and CLUSTER for ON CLUSTER"
	case readOnlyTable, keeperError, noKeeper:
		return "the server has lost ZooKeeper or ClickHouse Keeper: nothing can be written until it is back"
	case noSpace:
		return "free some space on the server"
	case memoryLimit:
		return "the server's memory limit (max_memory_usage) is too low, or the server is busy"
	case unknownTable, unknownDatabase:
		return "the first pass makes the archive: heapstash collect --archive ..."
	case noKeeperInSettings:
		return "the servers need distributed_ddl and ZooKeeper in their settings for ON CLUSTER; or leave ?cluster= out"
	default:
		return ""
	}
}

// IsAnswer reports whether a server answered with the error.
func IsAnswer(err error) bool {
	_, ok := errors.AsType[*clickhouse.Exception](err)
	return ok
}

// isDenied reports whether the user may not make or drop tables.
func isDenied(err error) bool {
	e, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && (e.Code == noDDL || e.Code == accessDenied)
}

// IsMissing reports whether the server does not have the database or the table.
func IsMissing(err error) bool {
	e, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && (e.Code == unknownTable || e.Code == unknownDatabase)
}

// MayPass reports whether another try may help: a server ended, restarted or was busy.
func MayPass(err error) bool {
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		switch e.Code {
		case socketTimeout, networkError, noReplica, readOnlyTable, keeperError, noKeeper, timeout, tooManyQueries, staleReplicas:
			return true
		}
		return strings.Contains(e.Message, "ZooKeeper")
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, net.ErrClosed) || strings.Contains(fmt.Sprint(err), "EOF")
}

// errNoArchive is the error of a database without an archive.
func (c *Conn) errNoArchive() error {
	return schema.WithHint(fmt.Errorf("%w at %s", archive.ErrNoArchive, c.Address), "the first pass makes it: heapstash collect --archive ...")
}

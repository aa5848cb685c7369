package conn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"heapstash/schema"
)

// Address says where an archive is: one database on one server, or on the servers of a
// cluster.
type Address struct {
	User     string
	Hosts    []string // host and port; the first that answers is used
	Database string
	Cluster  string // its name in the servers' settings; empty for one server
	Secure   bool   // TLS
}

// addressForm is for hints.
const addressForm = "write clickhouse://user@host:9000/database, with several hosts as host1:9000,host2:9000, and ?cluster=NAME for a cluster"

// ParseAddress parses clickhouse://user@host1:9000,host2:9000/database?cluster=NAME. The
// user is default, and the port 9000, or 9440 with secure=true. A password is an error,
// and no error contains it.
func ParseAddress(text string) (a Address, err error) {
	fault := func(format string, args ...any) (Address, error) {
		return Address{}, schema.WithHint(fmt.Errorf("archive address: "+format, args...), addressForm)
	}
	rest, ok := strings.CutPrefix(text, "clickhouse://")
	if !ok {
		return fault("it does not begin with clickhouse://")
	}
	// The package net/url does not accept several hosts.
	rest, query, _ := strings.Cut(rest, "?")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user := rest[:at]
		rest = rest[at+1:]
		if strings.Contains(user, ":") {
			return Address{}, schema.WithHint(errors.New("archive address: it has a password"),
				"put the password in a file that archive.password_file names, or in HEAPSTASH_ARCHIVE_PASSWORD")
		}
		if a.User, err = url.PathUnescape(user); err != nil {
			return fault("the user is not encoded correctly")
		}
	}
	if strings.Contains(text, "#") {
		return fault("it has a #, which is %%23 in names")
	}
	if a.User == "" {
		a.User = "default"
	}
	hosts, database, _ := strings.Cut(rest, "/")
	switch a.Database, err = url.PathUnescape(database); {
	case err != nil:
		return fault("the database is not encoded correctly")
	case a.Database == "":
		return fault("it has no database")
	case strings.Contains(a.Database, "/"):
		return fault("%q is not a database: its name must not have a slash", a.Database)
	}
	if err := a.readOptions(query); err != nil {
		return fault("%w", err)
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if a.Hosts, err = append(a.Hosts, a.withPort(host)), checkHost(a.withPort(host)); err != nil {
			return fault("host %q: %w", host, err)
		}
	}
	return a, nil
}

func (a *Address) readOptions(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for key, all := range values {
		value := all[0]
		switch key {
		case "cluster":
			a.Cluster = value
			err = map[bool]error{true: errors.New("cluster is empty")}[value == ""]
		case "secure":
			if a.Secure, err = strconv.ParseBool(value); err != nil {
				err = fmt.Errorf("secure=%s is neither true nor false", value)
			}
		default:
			err = fmt.Errorf("there is no option %q: there are cluster and secure", key)
		}
		if err == nil && len(all) > 1 {
			err = fmt.Errorf("it has two options %s", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Address) withPort(host string) string {
	if strings.LastIndex(host, ":") > strings.LastIndex(host, "]") {
		return host
	}
	return host + map[bool]string{true: ":9440", false: ":9000"}[a.Secure]
}

func checkHost(hostPort string) error {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("its port is not a number from 1 to 65535")
	}
	if host == "" {
		return errors.New("it has no name")
	}
	return nil
}

// String returns the address as [ParseAddress] reads it.
func (a Address) String() string {
	options := url.Values{}
	if a.Cluster != "" {
		options.Set("cluster", a.Cluster)
	}
	if a.Secure {
		options.Set("secure", "true")
	}
	text := "clickhouse://" + url.PathEscape(a.User) + "@" + strings.Join(a.Hosts, ",") + "/" + url.PathEscape(a.Database)
	if len(options) > 0 {
		text += "?" + options.Encode()
	}
	return text
}

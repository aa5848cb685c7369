package clickhousetest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/internal/need"
)

// ZooKeeper is a running ZooKeeper of one process.
type ZooKeeper struct{ *Process }

// Debian's jar names the jars that it needs, but no logger.
const zooKeeperJar, loggerJar = "/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar"

// zooKeeperConfig has a short tick, so that the sessions of killed servers end soon.
const zooKeeperConfig = `tickTime=500
maxSessionTimeout=4000
dataDir=%s/data
clientPort=%d
clientPortAddress=%s
admin.enableServer=false
4lw.commands.whitelist=srvr
forceSync=no
`

func newZooKeeper(tb testing.TB, host string, port int) *ZooKeeper {
	tb.Helper()
	java := need.Program(tb, "java")
	if _, err := os.Stat(zooKeeperJar); err != nil {
		need.Skip(tb, errors.New("zookeeper is not installed"))
	}
	dir := tb.TempDir()
	config := filepath.Join(dir, "zoo.cfg")
	if err := os.WriteFile(config, fmt.Appendf(nil, zooKeeperConfig, dir, port, host), 0o600); err != nil {
		tb.Fatal(err)
	}
	address := net.JoinHostPort(host, strconv.Itoa(port))
	return &ZooKeeper{&Process{
		dir: dir,
		arguments: []string{java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
			"-cp", zooKeeperJar + ":" + loggerJar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config},
		ready: func() error { return serves(address) },
	}}
}

// serves asks ZooKeeper whether it serves.
func serves(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("srvr")); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if err == nil && !strings.HasPrefix(string(answer), "Zookeeper version") {
		err = fmt.Errorf("ZooKeeper answers %q", answer)
	}
	return err
}

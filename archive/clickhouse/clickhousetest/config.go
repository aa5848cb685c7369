package clickhousetest

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// settings are the settings of a server.
type settings struct {
	Dir                   string // of its configuration and log
	Data                  string // of its tables
	Host                  string
	TCP, HTTP, Peers, TLS int
	// Cluster is empty for a server alone.
	Cluster        string
	ZooKeeperHost  string
	ZooKeeperPort  int
	Shards         [][]*settings
	Shard, Replica int

	ServerOptions
}

// config configures a server that stores everything in its directories.
var config = template.Must(template.New("").Parse(`<yandex>
  <logger><level>{{if .Cluster}}debug{{else}}warning{{end}}</level><console>1</console></logger>
  <path>{{.Data}}/data/</path>
  <tmp_path>{{.Data}}/tmp/</tmp_path>
  <user_files_path>{{.Data}}/files/</user_files_path>
  <format_schema_path>{{.Data}}/formats/</format_schema_path>
  <users_config>{{.Dir}}/users.xml</users_config>
  <listen_host>{{.Host}}</listen_host>
  <tcp_port>{{.TCP}}</tcp_port>
{{- if .Certificate}}
  <tcp_port_secure>{{.TLS}}</tcp_port_secure>
  <openSSL><server>
    <certificateFile>{{.Certificate}}</certificateFile>
    <privateKeyFile>{{.Key}}</privateKeyFile>
    <verificationMode>none</verificationMode>
    <loadDefaultCAFile>false</loadDefaultCAFile>
  </server></openSSL>
{{- end}}
  <http_port>{{.HTTP}}</http_port>
  <interserver_http_port>{{.Peers}}</interserver_http_port>
  <interserver_http_host>{{.Host}}</interserver_http_host>
  <timezone>UTC</timezone>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <max_connections>100</max_connections>
{{- if .Cluster}}
  <macros>
    <cluster>{{.Cluster}}</cluster><shard>{{.Shard}}</shard><replica>{{.Replica}}</replica>
  </macros>
  <zookeeper>
    <node><host>{{.ZooKeeperHost}}</host><port>{{.ZooKeeperPort}}</port></node>
    <session_timeout_ms>4000</session_timeout_ms>
  </zookeeper>
  <merge_tree>
    <zookeeper_session_expiration_check_period>1</zookeeper_session_expiration_check_period>
  </merge_tree>
  <distributed_ddl><path>/clickhouse/ddl</path></distributed_ddl>
  <remote_servers><{{.Cluster}}>
  {{- range .Shards}}
    <shard>
      <internal_replication>true</internal_replication>
    {{- range .}}
      <replica><host>{{.Host}}</host><port>{{.TCP}}</port></replica>
    {{- end}}
    </shard>
  {{- end}}
  </{{.Cluster}}></remote_servers>
{{- end}}
</yandex>
`))

// users has the user default, who has no password and may do everything, and others.
var users = template.Must(template.New("").Parse(`<yandex>
  <profiles>
    <default/>
  {{- range $i, $user := .Users}}
    <of{{$i}}>{{range $name, $value := .Settings}}<{{$name}}>{{$value}}</{{$name}}>{{end}}</of{{$i}}>
  {{- end}}
  </profiles>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  {{- range $i, $user := .Users}}
    <{{.Name}}>
      <password>{{.Password}}</password>
      <networks><ip>::/0</ip></networks>
      <profile>of{{$i}}</profile>
      <quota>default</quota>
      {{- if .Databases}}
      <allow_databases>{{range .Databases}}<database>{{.}}</database>{{end}}</allow_databases>
      {{- end}}
    </{{.Name}}>
  {{- end}}
  </users>
  <quotas><default/></quotas>
</yandex>
`))

// write writes the configuration, and returns the path of its main file.
func (s *settings) write() (string, error) {
	path := filepath.Join(s.Dir, "config.xml")
	for file, text := range map[string]*template.Template{path: config, filepath.Join(s.Dir, "users.xml"): users} {
		var b strings.Builder
		if err := text.Execute(&b, s); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"heapstash/schema"
)

// Archive has settings of the archive. Only URL has a flag, --archive. The variables are
// HEAPSTASH_ARCHIVE_...
type Archive struct {
	// URL is the address of an archive that is not a file; empty if [Config.DBFile] is
	// the archive. [Load] accepts a file as well, and makes it the DBFile.
	URL          string `mapstructure:"url"`
	PasswordFile string `mapstructure:"password_file"`
	CAFile       string `mapstructure:"ca_file"`
	// Password comes from the variable [passwordVariable] only.
	Password Secret `mapstructure:"-"`

	MinFree schema.Size `mapstructure:"min_free"`
	MaxSize schema.Size `mapstructure:"max_size"`
	Lake    string      `mapstructure:"lake"`
	Mode    fileMode    `mapstructure:"mode"`

	Retention Retention `mapstructure:"retention"`
}

// Secret is a text that is never printed.
type Secret string

// passwordVariable is the environment variable with the archive's password. It is not a
// setting: a configuration file is no place for a password.
const passwordVariable = envPrefix + "_ARCHIVE_PASSWORD"

// String hides the text.
func (Secret) String() string { return "(secret)" }

// GoString hides the text.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// FileOf returns the path of an archive's address, and whether the address is a file.
func FileOf(address string) (path string, isFile bool) {
	if path, ok := strings.CutPrefix(address, "file:"); ok {
		return strings.TrimPrefix(path, "//"), true
	}
	return address, !strings.Contains(address, "://")
}

// WithArchive returns the settings for another archive, at the address.
func (c Config) WithArchive(address string) (Config, error) {
	var fs Faults
	checkAddress(&fs, "archive", address)
	c.Archive.URL, c.DBFile = address, ""
	if path, isFile := FileOf(address); isFile {
		c.Archive.URL, c.DBFile = "", path
	}
	if len(fs) > 0 {
		return c, fs
	}
	return c, nil
}

// ReadPassword returns the password of the archive's server, empty for none. The file is
// read each time, because the password in it may change.
func (a Archive) ReadPassword() (string, error) {
	if a.PasswordFile == "" {
		return string(a.Password), nil
	}
	text, err := os.ReadFile(a.PasswordFile)
	if err != nil {
		return "", schema.WithHint(fmt.Errorf("archive.password_file: %w", err), "it must be a file with the password that this user can read")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// checkAddress adds a fault unless the text is an archive's address. It does not print
// what may be a password.
func checkAddress(fs *Faults, key, address string) {
	path, isFile := FileOf(address)
	if isFile {
		fs.check(path != "", key, "must name a file or a server")
		return
	}
	scheme, rest, _ := strings.Cut(address, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(rest, '@'); at > len(authority) {
		authority = rest // a password may have a slash
	}
	at := strings.LastIndexByte(authority, '@')
	user, host := authority[:max(at, 0)], authority[at+1:]
	fs.check(scheme == "clickhouse", key, "%q is not an engine: write a file, or clickhouse://user@host:9000/database", scheme)
	fs.check(host != "", key, "names no host: write clickhouse://user@host:9000/database")
	fs.check(!strings.Contains(user, ":"), key,
		"must not have a password: put it in a file that archive.password_file names, or in the variable %s", passwordVariable)
}

// resolveArchive leaves one of db_file and archive.url: the one that a flag gives, else
// a variable, else the file. Two that differ and come from the same place are a fault.
func (c *Config) resolveArchive(s *sources) Faults {
	var fs Faults
	if password, ok := os.LookupEnv(passwordVariable); ok {
		c.Archive.Password = Secret(password)
		fs.check(c.Archive.PasswordFile == "", "archive.password_file", "conflicts with the variable %s: give one of the two", passwordVariable)
	}
	url := c.Archive.URL
	c.Archive.URL = ""
	if url == "" {
		return fs
	}
	checkAddress(&fs, "archive.url", url)
	file, address := s.rank("db_file"), s.rank("archive.url")
	if file == inFile && c.DBFile == Default().DBFile {
		file = nowhere // it was copied from the example
	}
	path, isFile := FileOf(url)
	switch {
	case file > address:
		return fs
	case file == address && !(isFile && filepath.Clean(path) == filepath.Clean(c.DBFile)):
		fs.check(false, "archive.url", "conflicts with db_file, which names another archive: give one of the two")
	case isFile:
		c.DBFile = path
	default:
		c.DBFile, c.Archive.URL = "", url
	}
	return fs
}

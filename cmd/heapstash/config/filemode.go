package config

import (
	"fmt"
	"io/fs"
	"strconv"
)

// fileMode is a file's permissions. Settings spell them as octal text.
type fileMode fs.FileMode

// decodeMode refuses a number: YAML reads 0640 as octal and 640 as decimal.
func decodeMode(value any) (fileMode, error) {
	text, isText := value.(string)
	mode, err := strconv.ParseUint(text, 8, 32)
	if !isText || err != nil {
		return 0, fmt.Errorf(`%s is not a file mode: write it in octal and in quotes, as "0640"`, quoted(value))
	}
	return fileMode(mode), nil
}

// check adds the faults of the archive's settings, but for its address.
func (a Archive) check(fs *Faults) {
	a.Retention.check(fs)
	fs.check(a.Lake == "" || a.URL == "", "archive.lake",
		"is for an archive in a file, and ClickHouse deletes old raw samples without it: leave it empty, and write them to Parquet files with heapstash export --format parquet")
	fs.check(a.MaxSize == 0 || a.URL == "", "archive.max_size",
		"is for an archive in a file, and nothing keeps ClickHouse below it: leave it 0, and limit what is kept with archive.retention.raw")
	// The owner writes the file, no user executes it, and others do not write it.
	const needed, allowed = 0o600, 0o664
	fs.check(a.Mode&needed == needed && a.Mode&^allowed == 0, "archive.mode",
		`"%04o" will not do: "0600", with "0640" and "0660" for a group, and "0644" for all to read`, uint32(a.Mode))
}

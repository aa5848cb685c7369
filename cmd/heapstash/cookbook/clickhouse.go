package cookbook

import (
	"fmt"
	"regexp"
	"strings"

	"heapstash/cmd/heapstash/engine"
)

// usual finds the usual days and number of rows in SQLite's statement.
var usual = regexp.MustCompile(`(-?\d+) AS (days|top)\b`)

// clickHouseSQL returns ClickHouse's statement. Its parameters have ClickHouse's own form,
// {name:Type}, which servers of 2018 do not know: the values are put into the text.
func clickHouseSQL(name string, a Asked) (string, error) {
	text, err := Text(engine.ClickHouse, name)
	if err != nil {
		return "", err
	}
	sqlite, err := Text(engine.SQLite, name)
	if err != nil {
		return "", err
	}
	// A glob that is empty matches no name.
	namespaces, excluded := "*", ""
	if a.Namespaces != "" {
		namespaces = a.Namespaces
	}
	excluded = a.Excluded
	a.Namespaces, a.Excluded = "", ""
	values := map[string]string{"now": "toInt64(now())"}
	for _, match := range usual.FindAllStringSubmatch(sqlite, -1) {
		values[match[2]] = match[1]
	}
	for _, value := range a.values() {
		values[value.name] = value.text
	}
	if strings.HasPrefix(values["top"], "-") {
		values["top"] = fmt.Sprint(1 << 62) // all
	}
	for parameter, value := range map[string]string{
		"{now:Int64}": values["now"], "{days:Int64}": values["days"], "{top:UInt64}": values["top"],
		"{namespaces:String}": engine.GlobLiteral(namespaces), "{excluded:String}": engine.GlobLiteral(excluded),
	} {
		text = strings.ReplaceAll(text, parameter, value)
	}
	return text, nil
}

package show

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"

	"heapstash/schema"
)

// OrNull returns the text as a value, nil if it is empty.
func OrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Names spells each item of a list as fmt.Sprint does.
func Names[T any](items []T) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = fmt.Sprint(item)
	}
	return names
}

// spell spells a value as SQLite's own shell does.
func spell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case int64:
		return schema.Int(v).String()
	case float64:
		return schema.Real(v).String()
	case []byte:
		return "X'" + strings.ToUpper(hex.EncodeToString(v)) + "'"
	default:
		return fmt.Sprint(v)
	}
}

// shown spells a value for people.
func shown(value any) string {
	if value == nil {
		return "NULL"
	}
	return Visible(spell(value))
}

// Visible spells control characters as ^X, as SQLite's own shell does. Names come from
// Heapster, and control characters in them would act on a terminal.
func Visible(text string) string {
	isControl := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !isControl(r):
			b.WriteRune(r)
		case r < 0x80:
			b.WriteByte('^')
			b.WriteRune(r ^ 0x40)
		default:
			fmt.Fprintf(&b, "\\x%x", r)
		}
	}
	return b.String()
}

// Time spells a moment in the time zone, as RFC 3339 does.
func Time(at schema.Instant, zone *time.Location) string {
	if at == 0 || zone == nil || zone == time.UTC {
		return at.String()
	}
	return at.Time().In(zone).Format(time.RFC3339)
}

// Duration spells a length of time as Prometheus does, such as 1h30m or 90d: in
// whole seconds, from two days on in whole hours, from two months on in whole days,
// from ten years on in whole years.
func Duration(length time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case length < 0:
		return "-" + Duration(-length)
	case length >= 10*365*day:
		length = length.Truncate(365 * day)
	case length >= 60*day:
		length = length.Truncate(day)
	case length >= 2*day:
		length = length.Truncate(time.Hour)
	}
	return model.Duration(length.Round(time.Second)).String()
}

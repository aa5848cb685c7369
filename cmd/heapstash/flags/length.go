package flags

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// ParseLength reads a length of time: as Go spells it, such as 1.5h, or as
// Prometheus does, with days, weeks and years, such as 90d.
func ParseLength(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit: write %sd", text, text)
	}
	if length, err := model.ParseDuration(text); err == nil {
		return time.Duration(length), nil
	}
	if length, err := time.ParseDuration(text); err == nil {
		return length, nil
	}
	return 0, fmt.Errorf("%q is not a length of time: write 36h, 90d, 8w or 2y", text)
}

// Length is a flag of a length of time, as [ParseLength] reads it.
type Length time.Duration

// Type is what help calls the value.
func (f *Length) Type() string { return "duration" }

// String returns the length, empty for zero.
func (f *Length) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

// Set reads the length.
func (f *Length) Set(text string) error {
	length, err := ParseLength(text)
	*f = Length(length)
	return err
}

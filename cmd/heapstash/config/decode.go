package config

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"

	"heapstash/schema"
)

// strictly makes the decoder refuse values of another type. By itself it reads 60 as
// 60 nanoseconds, 3.7 as 3 and true as 1.
func strictly(c *mapstructure.DecoderConfig) {
	c.WeaklyTypedInput = false
	c.DecodeHook = mapstructure.DecodeHookFuncType(decodeSetting)
}

// decodeSetting converts a value of a file (which has a type of YAML), of the
// environment (which is text) or of a flag to the setting's type. Its error says
// how the value is written.
func decodeSetting(from, to reflect.Type, value any) (any, error) {
	if from == to {
		return value, nil
	}
	text, isText := value.(string)
	switch to {
	case reflect.TypeFor[time.Duration]():
		return decodeDuration(value)
	case reflect.TypeFor[schema.Size]():
		return decodeSize(value)
	case reflect.TypeFor[slog.Level]():
		return decodeLevel(value)
	case reflect.TypeFor[keepList]():
		return decodeKeep(value)
	case reflect.TypeFor[fileMode]():
		return decodeMode(value)
	case reflect.TypeFor[schema.Kind]():
		return schema.ParseKind(fmt.Sprint(value))
	}
	switch to.Kind() {
	case reflect.Int:
		if n, err := strconv.Atoi(text); isText && err == nil {
			return n, nil
		}
		return nil, fmt.Errorf("%s is not a whole number", quoted(value))
	case reflect.Bool:
		if b, err := strconv.ParseBool(text); isText && err == nil {
			return b, nil
		}
		return nil, fmt.Errorf("%s is neither true nor false", quoted(value))
	case reflect.String:
		if isText { // for a named type of text
			return value, nil
		}
		// A port is often written without quotes.
		if from.Kind() == reflect.Int {
			return fmt.Sprint(value), nil
		}
		return nil, fmt.Errorf("%s is not text: put it in quotes", quoted(value))
	case reflect.Slice:
		if isText {
			return splitList(text), nil
		}
		if from.Kind() != reflect.Slice {
			return nil, fmt.Errorf("%s is not a list", quoted(value))
		}
	}
	return value, nil
}

// decodeDuration refuses a number without a unit, which viper reads as nanoseconds.
func decodeDuration(value any) (time.Duration, error) {
	text := fmt.Sprint(value)
	if d, err := time.ParseDuration(text); err == nil {
		if _, isText := value.(string); isText {
			return d, nil
		}
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit: write %ss", text, text)
	}
	return 0, fmt.Errorf("%s is not a duration: write 500ms, 10s or 1m30s", quoted(value))
}

// decodeSize refuses a number without a unit: it may be meant as megabytes.
func decodeSize(value any) (schema.Size, error) {
	text := fmt.Sprint(value)
	if text == "0" {
		return 0, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit: write %sMiB", text, text)
	}
	if s, err := schema.ParseSize(text); err == nil {
		return s, nil
	}
	return 0, fmt.Errorf("%s is not a size: write 64MiB, 1.5GB or 0", quoted(value))
}

func decodeLevel(value any) (slog.Level, error) {
	switch value {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%s is none of debug, info, warn, error", quoted(value))
}

// splitList reads a list from an environment variable.
func splitList(text string) []string {
	list := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func quoted(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	return fmt.Sprint(value)
}

// decodeFaults returns the faults in a decoder's error, one for each setting that
// did not decode.
func decodeFaults(err error) Faults {
	var decode *mapstructure.DecodeError
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		var found Faults
		for _, err := range e.Unwrap() {
			found = append(found, decodeFaults(err)...)
		}
		return found
	case *mapstructure.DecodeError:
		decode = e
	default:
		if inner := errors.Unwrap(err); inner != nil {
			return decodeFaults(inner)
		}
		return Faults{{problem: err.Error()}}
	}
	return Faults{{key: decode.Name(), problem: decode.Unwrap().Error()}}
}

package flags

import (
	"time"

	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/show"
)

// Rows is the flags of a command that asks an archive for rows: --format, --quiet
// and --timeout.
type Rows struct {
	Format  string // one of [show.RowFormats]
	Quiet   bool
	Timeout time.Duration // zero for never
}

// Add adds the flags.
func (r *Rows) Add(set *pflag.FlagSet) {
	set.StringVar(&r.Format, "format", "table", show.FormatUsage)
	set.BoolVarP(&r.Quiet, "quiet", "q", false, "no notes on stderr")
	AddTimeout(set, &r.Timeout)
}

// UsualTimeout is the default of --timeout.
const UsualTimeout = 5 * time.Minute

// AddTimeout adds --timeout.
func AddTimeout(set *pflag.FlagSet, timeout *time.Duration) {
	set.DurationVar(timeout, "timeout", UsualTimeout, "give up after this long; 0 for never")
}

package doctor

import (
	"time"

	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Heapster's usual resolution, and how long a kubelet that does not answer delays
// a batch (metrics/sources/manager.go).
const (
	usualResolution   = time.Minute
	longestScrapeTime = 20 * time.Second
)

// everyMinute is what to do about a schedule that is too slow.
const everyMinute = "make a pass every minute: `* * * * * heapstash collect` in cron, or `heapstash run` with its default schedule"

// Resolution says how often Heapster makes a batch, and how many it shows.
func Resolution(o Observation) Finding {
	const name = "resolution"
	step, known := o.Resolution()
	switch {
	case o.Newest() == 0:
		return fault(name, "wait two minutes if it was just started; otherwise look at its log: does it reach the kubelets?",
			"Heapster shows no sample of anything")
	case !known:
		return ok(name, "one batch is visible: Heapster was started recently; a batch a minute is assumed")
	default:
		return ok(name, "a batch every %s; visible are %s with every metric, and %s of cpu/usage_rate and memory/usage",
			show.Duration(step), plural(len(o.Short), "batch"), show.Duration(o.Newest().Sub(o.Long[0])+step))
	}
}

// Schedule says what passes that are up to pause apart lose, at the observed resolution.
// schedule names the schedule for people.
func Schedule(schedule string, pause time.Duration, o Observation) Finding {
	const name = "schedule"
	step, known := o.Resolution()
	if !known {
		step = usualResolution
	}
	whole, slow := visible(schema.ShortRetention, step), visible(schema.ShortRetention-longestScrapeTime, step)
	switch {
	case pause >= visible(schema.LongRetention, step):
		return fault(name, everyMinute, "%s loses samples of every metric: Heapster shows cpu/usage_rate and memory/usage for %s, and the rest for %s",
			schedule, show.Duration(visible(schema.LongRetention, step)), show.Duration(whole))
	case pause >= whole:
		return fault(name, everyMinute, "%s keeps only cpu/usage_rate and memory/usage whole: of %d batches, %d lose all other metrics, which Heapster shows for %s",
			schedule, batches(pause, step), batches(pause, step)-batches(whole, step), show.Duration(whole))
	case pause > slow:
		return warning(name, everyMinute, "%s loses samples whenever a kubelet does not answer: Heapster shows most metrics for %s, and then for %s",
			schedule, show.Duration(whole), show.Duration(slow))
	case 2*pause > slow:
		return warning(name, everyMinute, "%s has little slack: Heapster shows most metrics for %s, %s while a kubelet does not answer, so that one late pass loses samples",
			schedule, show.Duration(whole), show.Duration(slow))
	default:
		return ok(name, "%s loses nothing: Heapster shows most metrics for %s, %s while a kubelet does not answer",
			schedule, show.Duration(whole), show.Duration(slow))
	}
}

// visible returns how long Heapster shows a batch. It drops batches older than its
// retention, but only when it makes the next batch.
func visible(retention, step time.Duration) time.Duration {
	return (retention + step - 1) / step * step
}

// batches returns how many batches are made in the time.
func batches(d, step time.Duration) int { return int((d + step - 1) / step) }

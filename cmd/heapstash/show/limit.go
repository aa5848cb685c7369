package show

// UsualRows is as much as a table may have, which is in memory as a whole.
const UsualRows = 100_000

func OrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

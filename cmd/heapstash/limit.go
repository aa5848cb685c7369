package main

// usualRows is as much as a table may have, which is in memory as a whole.
const usualRows = 100_000

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

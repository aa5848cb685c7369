package doctor

// Config says which configuration file the settings come from. The path is empty if
// there is none; named is the flag or the variable that names it, empty for a file in a
// usual directory; skipped is why such a file is not used.
func Config(path, named string, skipped error) Finding {
	const name = "config"
	switch {
	case skipped != nil:
		return warning(name, "run this as the user whose passes these are, or name a file with --config", "not used: %v", skipped)
	case path == "":
		return ok(name, "no config file: flags, variables and defaults alone")
	case named == "":
		return ok(name, "%s, as no other is named", path)
	default:
		return ok(name, "%s, which %s names", path, named)
	}
}

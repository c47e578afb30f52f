package openmldb

import (
	"bufio"
	"os"
	"strings"
)

// readFlagFile reads the flags of a component: --name=value per line.
func readFlagFile(path string) (map[string]string, error) {
	return readSettings(path, func(line string) (k, v string, ok bool) {
		line, ok = strings.CutPrefix(line, "--")
		k, v, _ = strings.Cut(line, "=")
		return k, v, ok
	})
}

// readProperties reads a Java properties file as far as task managers use one: a
// key, an equals sign and a value per line.
func readProperties(path string) (map[string]string, error) {
	return readSettings(path, func(line string) (k, v string, ok bool) {
		k, v, ok = strings.Cut(line, "=")
		return strings.TrimSpace(k), strings.TrimSpace(v), ok && !strings.HasPrefix(line, "#")
	})
}

// readSettings reads a file of a setting per line. Lines that are none are passed
// over.
func readSettings(path string, setting func(line string) (k, v string, ok bool)) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if k, v, ok := setting(strings.TrimSpace(lines.Text())); ok {
			out[k] = v
		}
	}
	return out, lines.Err()
}

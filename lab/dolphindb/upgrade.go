package dolphindb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The colours in which upgrade.sh shows how something went.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

// upgrade is one call of upgrade.sh.
type upgrade struct {
	*program
	dir     string // clusterDemo
	answers *bufio.Reader
}

// runUpgrade is upgrade.sh. It asks whether the server is shut down, for the mode and
// for the version, and replaces the programs of its install directory; configuration,
// licence, plugins, data and logs stay. Only its last line tells that it has upgraded:
// it exits with 0 whether or not.
func runUpgrade(p *program, _ []string) int {
	path, err := filepath.Abs(p.Path)
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	u := &upgrade{program: p, dir: filepath.Dir(path), answers: bufio.NewReader(p.Stdin)}
	return u.run()
}

// say prints what went well or badly, coloured as the original does.
func (u *upgrade) say(what, colour, how, tag string) {
	fmt.Fprintf(u.Stdout, "%s %s%s%s %s %s%s\n", what, colour, how, plain, colour, tag, plain)
}

func (u *upgrade) answer() string {
	line, err := u.answers.ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(u.Stdout)
	}
	return strings.TrimSpace(line)
}

func (u *upgrade) run() int {
	fmt.Fprint(u.Stdout, "Tip: please shut down dolphindb process!\nTip: please back up metadata before upgrade!\n"+
		"Have you shut down dolphindb process and backed up metadata?(y/n)")
	if a := u.answer(); a != "y" && a != "Y" {
		return 0
	}
	fmt.Fprint(u.Stdout, "*************************************\n        upgrade  dolphindb\n*************************************\n"+
		"1: OnlineUpgrade dolphindb\n2: OfflineUpgrade dolphindb\n3: EXIT\n"+
		"Please enter one of the following numbers to select the mode: 1 means online, 2 means offline, 3 means quit")
	mode := u.answer()
	if mode != "1" && mode != "2" {
		return 0
	}
	fmt.Fprint(u.Stdout, "Please select upgrade version, e.g., 2.00.3 :")
	version := u.answer()
	if !u.Record("upgrade.sh", []string{map[string]string{"1": "online", "2": "offline"}[mode], version}) {
		return 1
	}
	archive := packageName(version)
	if mode == "1" {
		fmt.Fprintf(u.Stdout, "Start to wget %s\n", archive)
		fmt.Fprintln(u.Stderr, "wget: unable to resolve host address ‘www.dolphindb.cn’")
		u.say("DolphinDB package download", red, "failed!", "DownLoadFailure")
		return u.failed()
	}
	if _, err := os.Stat(filepath.Join(u.dir, archive)); err != nil {
		u.say("DolphinDB package upload", red, "failed!", "UpLoadFailure")
		return u.failed()
	}
	u.say("DolphinDB package uploaded", green, "successfully!", "UpLoadSuccess")
	return u.replace(archive, version)
}

// failed is the exit code of an upgrade that wasn't made.
func (u *upgrade) failed() int {
	if u.Site.Fault(u.Host.Name, "upgrade") == "rc1" {
		return 1
	}
	return 0
}

// replace unpacks the package beside the programs and puts them in place.
func (u *upgrade) replace(archive, version string) int {
	unpacked := filepath.Join(u.dir, "v"+version)
	defer func() {
		if err := os.RemoveAll(unpacked); err != nil {
			fmt.Fprintln(u.Stderr, err)
		}
	}()
	unzip := exec.Command("unzip", "-o", "-q", archive, "-d", "v"+version)
	unzip.Dir, unzip.Stdout, unzip.Stderr = u.dir, u.Stdout, u.Stderr
	if err := unzip.Run(); err != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			fmt.Fprintln(u.Stderr, err)
		}
		u.say("DolphinDB package unzip", red, "failed!", "UnzipFailure")
		return u.failed()
	}
	u.say("DolphinDB package unzipped", green, "successfully!", "UnzipSuccess")
	if fault := u.Site.Fault(u.Host.Name, "upgrade"); fault != "" {
		return u.failed()
	}
	if err := putPrograms(filepath.Join(unpacked, "server"), filepath.Dir(u.dir)); err != nil {
		fmt.Fprintln(u.Stderr, err)
		u.say("DolphinDB upgrade", red, "failed!", "UpgradeFailure")
		return u.failed()
	}
	u.say("DolphinDB upgraded", green, "successfully!", "UpgradeSuccess")
	return 0
}

// kept is what an upgrade leaves as it is, below server.
var kept = map[string]bool{
	"dolphindb.cfg": true, "dolphindb.lic": true, "plugins": true,
	"clusterDemo/config": true, "clusterDemo/data": true, "clusterDemo/log": true,
}

// putPrograms copies an unpacked server directory over another. Files are replaced,
// not written into: those of running processes stay whole.
func putPrograms(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case kept[filepath.ToSlash(rel)] && d.IsDir():
			return filepath.SkipDir
		case kept[filepath.ToSlash(rel)]:
			return nil
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		if rel == "dolphindb" {
			mode |= 0o111
		}
		return copyFile(path, target, mode)
	})
}

func copyFile(from, to string, mode fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

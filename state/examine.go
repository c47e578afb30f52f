package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// examination collects findings.
type examination struct {
	path, dir string
	self      process
	found     []run.Finding
}

func (x *examination) add(id string, s run.Severity, what, why, do string) {
	x.found = append(x.found, run.Finding{ID: id, Severity: s, What: what, Why: why, Do: do})
}

// fail adds an error and its hint; it tells whether there was one.
func (x *examination) fail(id string, err error, why string) bool {
	if err == nil {
		return false
	}
	x.add(id, run.Obstacle, err.Error(), why, text.HintOf(err))
	return true
}

func (x *examination) blocked() bool {
	return slices.ContainsFunc(x.found, func(f run.Finding) bool { return f.Severity == run.Obstacle })
}

const (
	whyPrivate = "the journal holds what commands printed, and who may write it may change what happened"
	whyLocal   = "two machines could drive one run, and a commit that was reported could be lost"
	whyHead    = "what was acknowledged and isn't in the journal would be done again"
)

// Examine looks at the journal at path and all that a run needs of it: its
// directory, file system, space, library, files, structure, runs and drivers. It
// changes nothing in the journal; it writes a small file beside it, and removes
// that again, to learn whether the disk takes one. Nothing in this process may
// have the journal open.
func Examine(ctx context.Context, path string) []run.Finding {
	x := examine(path)
	if x.standing() {
		x.content(ctx)
	}
	return x.found
}

// Glance looks at what a run that is about to begin needs of the journal at path, and
// not into it: its directory, file system, space, library and files. It takes as long
// whatever the journal holds. Otherwise it is as [Examine].
func Glance(path string) []run.Finding {
	x := examine(path)
	x.standing()
	return x.found
}

func examine(path string) *examination {
	x := &examination{path: path}
	abs, err := filepath.Abs(path)
	if err == nil {
		x.path, x.dir = abs, filepath.Dir(abs)
		x.self, err = thisProcess()
	}
	x.fail("journal.process", err, "a lease names its holder by it")
	return x
}

// standing looks at all but the journal's content; false when there is nothing
// further to look at.
func (x *examination) standing() bool {
	if x.blocked() {
		return false
	}
	x.library()
	if !x.place() {
		return false
	}
	x.disk()
	x.files()
	x.writer()
	return true
}

func (x *examination) library() {
	const id, why = "journal.sqlite", "a commit that was reported could be lost"
	if x.fail(id, libraryIsSound(), why) {
		return
	}
	version, err := pragmasHold()
	if x.fail(id, err, why) {
		return
	}
	x.add(id, run.Fine, "SQLite "+version+"; WAL and synchronous=FULL hold", "", "")
}

// pragmasHold opens a database of its own as a journal is opened, which reads
// back each setting.
func pragmasHold() (version string, err error) {
	dir, err := os.MkdirTemp("", "stepgate-doctor")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "probe.db")
	if err := os.WriteFile(path, nil, fileMode); err != nil {
		return "", err
	}
	db := openWriter(path)
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRow(`SELECT sqlite_version()`).Scan(&version)
	return version, err
}

// place looks at the directory; false when there is nothing further to look at.
func (x *examination) place() bool {
	fi, err := os.Stat(x.dir)
	if errors.Is(err, fs.ErrNotExist) {
		bad := x.fail("journal.place", ownGround(x.dir), "it would be made there")
		if x.fail("journal.filesystem", localFS(standing(x.dir)), whyLocal) || bad {
			return false
		}
		x.add("journal.place", run.Fine, fmt.Sprintf("there is no journal yet; the first run makes %q", x.path), "", "")
		return false
	}
	if x.fail("journal.place", err, "the journal's directory can't be looked at") {
		return false
	}
	if !fi.IsDir() {
		x.add("journal.place", run.Obstacle, fmt.Sprintf("%q is a %s", x.dir, kindOf(fi)), "the journal's directory would have to be there", "move "+shell(x.dir)+" away")
		return false
	}
	wrong := x.fail("journal.modes", private(x.dir, dirMode, shell(x.dir)), whyPrivate)
	if err := writable(x.dir, unix.R_OK|unix.W_OK|unix.X_OK, "u+rwx "+shell(x.dir)); x.fail("journal.writable", err, "nothing can be written down, so nothing may run") {
		wrong = true
	}
	runs := filepath.Join(x.dir, runsDir)
	if err := private(runs, dirMode, shell(runs)); !errors.Is(err, fs.ErrNotExist) && x.fail("journal.modes", err, whyPrivate) {
		wrong = true
	}
	if x.fail("journal.filesystem", localFS(x.dir), whyLocal) {
		wrong = true
	}
	if !wrong {
		x.add("journal.place", run.Fine, fmt.Sprintf("%q is yours alone, writable and on a local file system", x.dir), "", "")
	}
	return true
}

// disk looks at what is left of it, and at what is set aside.
func (x *examination) disk() {
	const why = "an outcome may not fit, and after a write that failed nothing more is started"
	free, inodes, err := room(x.dir)
	if x.fail("journal.space", err, why) {
		return
	}
	if err := enough(x.dir, free, inodes, defaultMinFree); x.fail("journal.space", err, why) {
		return
	}
	if unix.Access(x.dir, unix.W_OK) == nil {
		if err := tryDisk(x.dir); err != nil {
			x.add("journal.space", run.Obstacle, fmt.Sprintf("the disk doesn't take a small file: %v", err),
				"nothing can be written down, so nothing may run",
				"look for a quota (`quota -s`) and at the kernel's log (`dmesg | tail`); `df -h "+shell(x.dir)+"` shows what is free")
			return
		}
	}
	x.add("journal.space", run.Fine, fmt.Sprintf("%d MiB and %s are free", free>>20, inodesText(inodes)), "", "")
	fi, err := os.Lstat(filepath.Join(x.dir, ballastName))
	switch {
	case err == nil && fi.Size() >= defaultBallast:
		x.add("journal.ballast", run.Fine, fmt.Sprintf("%d MiB are set aside for outcomes on a full disk", fi.Size()>>20), "", "")
	case !x.exists():
	default:
		x.add("journal.ballast", run.Warning, "no space is set aside for outcomes on a full disk",
			"it was used when the disk was full, or could not be set aside", "make room; the next command that writes sets it aside anew")
	}
}

// tryDisk writes a small file durably and removes it.
func tryDisk(dir string) (err error) {
	f, err := os.CreateTemp(dir, "doctor.*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

func (x *examination) exists() bool {
	_, err := os.Lstat(x.path)
	return err == nil
}

// files looks at the database and what SQLite keeps beside it.
func (x *examination) files() {
	if !x.exists() {
		if !x.fail("journal.database", notLost(x.path), whyHead) {
			x.add("journal.database", run.Fine, fmt.Sprintf("there is no journal yet; the first run makes %q", x.path), "", "")
		}
		return
	}
	all := shell(x.path) + "*"
	for _, p := range []string{x.path, x.path + "-wal", x.path + "-shm"} {
		err := private(p, fileMode, all)
		if err == nil {
			err = writable(p, unix.R_OK|unix.W_OK, "u+rw "+all)
		}
		if p == x.path || !errors.Is(err, fs.ErrNotExist) {
			x.fail("journal.modes", err, whyPrivate)
		}
	}
	_, noIndex := os.Lstat(x.path + "-shm")
	if _, err := os.Lstat(x.path + "-wal"); errors.Is(err, fs.ErrNotExist) && noIndex == nil {
		x.add("journal.log", run.Warning, fmt.Sprintf("%q is gone, and its index is there", x.path+"-wal"),
			"it can have held the last events; the runs below are compared with what is remembered beside the journal",
			"put it back if you have it; else go by what is said of each run")
	}
}

// writer names who holds the lock for writing at this moment.
func (x *examination) writer() {
	if h, ok := writerOf(x.path); ok {
		x.add("journal.writer", run.Warning, h.String()+" is writing to the journal", "if that takes longer than a moment, other writers wait, and give up after "+busyTimeout.String(), h.remedy())
	}
}

// content looks into the database.
func (x *examination) content(ctx context.Context) {
	if !x.exists() {
		return
	}
	s, err := openReadOnly(ctx, x.path)
	if x.fail("journal.database", err, "its runs can't be read") {
		return
	}
	defer func() { x.fail("journal.database", s.Close(), "it was read") }()
	if s.newer != nil {
		err := newerSchema(s.newer.Have, s.newer.Known)
		x.fail("journal.schema", err, "what this version doesn't know it can't keep safe; it reads as far as it can")
	}
	var v Verification
	if x.fail("journal.structure", s.verifyDatabase(ctx, &v), "the journal can't be looked into") {
		return
	}
	for _, p := range v.Problems {
		x.add("journal.structure", run.Obstacle, p.Why, "what stands in the journal may not be what was written",
			fmt.Sprintf("keep it as it is, with its log (`cp -a %s* SOMEWHERE`), and export what is good (`stepgate export RUN`)", shell(x.path)))
	}
	if len(v.Problems) == 0 {
		x.add("journal.structure", run.Fine, "the structure of the database and the guards of its schema hold", "", "")
	}
	x.runs(ctx, s)
}

// runs looks at every run that is open, who drives it, and at those that are
// remembered and not there.
func (x *examination) runs(ctx context.Context, s *Store) {
	infos, err := s.runs(ctx)
	if x.fail("journal.runs", err, "its runs can't be listed") {
		return
	}
	leases, err := s.leases(ctx, "")
	if x.fail("journal.leases", err, "who drives its runs can't be read") {
		return
	}
	known := map[string]bool{}
	var open int
	for _, i := range infos {
		known[i.ID] = true
		if i.Closed != "" {
			continue
		}
		open++
		x.run(ctx, s, i)
		for _, l := range leases {
			if l.runID == i.ID {
				x.lease(l)
			}
		}
	}
	ids, err := remembered(x.dir)
	x.fail("journal.heads", err, whyHead)
	for _, id := range ids {
		if !known[id] {
			x.add("journal.heads", run.Obstacle, fmt.Sprintf("run %q is remembered beside the journal, and isn't in it", id),
				"the journal was replaced, put back from an earlier time, or has lost its -wal file",
				fmt.Sprintf("put the journal back; to do without that run: `mv %s %s`", shell(s.headPath(id)), shell(s.headPath(id)+".lost")))
		}
	}
	if !x.blocked() {
		x.add("journal.runs", run.Fine, fmt.Sprintf("runs: %d, open: %d; the chains of the open ones hold", len(infos), open), "", "")
	}
}

func (x *examination) run(ctx context.Context, s *Store, i Info) {
	v := Verification{RunID: i.ID}
	beside, known, err := s.readHead(i.ID)
	if err == nil {
		_, err = s.verifyChain(ctx, &v, beside, known)
	}
	if x.fail("journal.chain", err, "run "+i.ID+" can't be proven") {
		return
	}
	for _, p := range v.Problems {
		x.fail("journal.chain", broken(i.ID, p.Seq, p.Why), "what stands in the journal may not be what was written")
	}
	if !known {
		x.add("journal.heads", run.Warning, fmt.Sprintf("the head of run %q isn't remembered beside the journal", i.ID),
			"that the journal was put back from an earlier time would not be found", "the run's next event writes it")
	}
}

func (x *examination) lease(l leaseRow) {
	p, ok := parseProcess(l.holder)
	since := time.Unix(0, l.takenNS).Format(time.RFC3339)
	switch {
	case !ok || l.released:
	case p.elsewhere(x.self):
		x.add("journal.leases", run.Warning, fmt.Sprintf("run %q is driven by %s on another machine since %s, as far as can be seen from here", l.runID, l.name, since),
			"only one process may drive a run", "ask "+l.name+"; if it is gone: `stepgate resume "+l.runID+" --take-over`")
	case !p.alive(x.self):
		x.add("journal.leases", run.Warning, fmt.Sprintf("run %q was left by %s, whose process is gone (it was taken at %s)", l.runID, l.name, since),
			"what it was doing then is looked up on the hosts when the run is gone on with", "`stepgate resume "+l.runID+"`")
	case stopped(p.pid):
		x.add("journal.leases", run.Warning, fmt.Sprintf("run %q is driven by %s since %s, whose process %d is stopped", l.runID, l.name, since, p.pid),
			"nothing goes on in the run until it is continued", fmt.Sprintf("`kill -CONT %d`; to drive it here: `stepgate resume %s --take-over`", p.pid, l.runID))
	default:
		x.add("journal.leases", run.Fine, fmt.Sprintf("run %q is driven by %s, process %d, since %s", l.runID, l.name, p.pid, since), "", "")
	}
}

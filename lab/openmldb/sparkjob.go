package openmldb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// How long a job is prepared and how long it runs, before the scaling.
const (
	sparkStart = 2 * time.Second
	sparkRun   = 6 * time.Second
)

var outfilePattern = regexp.MustCompile(`(?i)\binto\s+outfile\s+'([^']+)'`)

// jobType is what SHOW JOBS calls a statement that runs offline.
func jobType(sql string) string {
	switch {
	case outfilePattern.MatchString(sql):
		return "ExportOfflineData"
	case strings.HasPrefix(strings.ToLower(sql), "load"):
		return "ImportOfflineData"
	}
	return "RunBatchAndShow"
}

// submit takes a job on; it goes on in the background.
func (m *taskManager) submit(sql string) (answer, error) {
	file := "/tmp/sql-" + strconv.FormatInt(time.Now().UnixNano(), 10)
	a, err := m.tell("new", jobType(sql), file, m.props["spark.master"])
	if err != nil {
		return answer{}, err
	}
	id := a.Rows[0][0]
	m.logf("INFO", "submit job %s: %s", id, sql)
	m.jobs.Go(func() { m.runJob(id, sql) })
	return a, nil
}

func (m *taskManager) tell(words ...string) (answer, error) {
	return askOnce(m.props["zookeeper.cluster"], request{Kind: "job", Endpoint: m.endpoint(), Words: words})
}

// runJob is a job's way. When the process ends meanwhile nobody hears of it.
func (m *taskManager) runJob(id, sql string) {
	begun := ""
	err := m.wait(sparkStart)
	if err == nil {
		begun, err = m.spark()
	}
	if err == nil {
		if _, err = m.tell("is", id, jobRunning, ""); err == nil {
			err = m.wait(sparkRun)
		}
		for err == nil && m.site.Fault(m.host.Name, "jobs") == "running" {
			err = m.wait(time.Second)
		}
	}
	if err == nil {
		err = m.sameSpark(begun)
	}
	if err == nil {
		err = m.export(sql)
	}
	if m.ctx.Err() != nil {
		return
	}
	state, text := jobFinished, ""
	if err != nil {
		state, text = jobFailed, err.Error()
	}
	m.jobLog(id, state, text)
	if _, err := m.tell("is", id, state, text); err != nil {
		m.logf("WARN", "job %s ended as %s: %v", id, state, err)
	}
}

func (m *taskManager) wait(d time.Duration) error {
	select {
	case <-time.After(m.site.Scaled(d)):
		return nil
	case <-m.ctx.Done():
		return m.ctx.Err()
	}
}

// jobLog is the job's own log, beside the task manager's. It is best effort.
func (m *taskManager) jobLog(id, state, text string) {
	path := filepath.Join(m.props["job.log.path"], "job_"+id+"_error.log")
	_ = os.WriteFile(path, []byte(strings.TrimSpace(state+" "+text)+"\n"), 0o644)
}

// spark says which version's jars a job begins with.
func (m *taskManager) spark() (string, error) {
	submit := filepath.Join(m.sparkDir, "bin", "spark-submit")
	if _, err := os.Stat(submit); err != nil || m.site.Fault(m.host.Name, "spark") == "missing" {
		return "", fmt.Errorf("java.io.IOException: Cannot run program %q: error=2, No such file or directory", submit)
	}
	jars := filepath.Join(m.sparkDir, "jars")
	if strings.HasPrefix(m.props["spark.master"], "yarn") {
		// Yarn runs what lies on HDFS: the local distribution only submits.
		jars = filepath.Dir(hdfsPath(m.site, m.props["spark.yarn.jars"]))
		if err := m.batchJar(hdfsPath(m.site, m.props["batchjob.jar.path"])); err != nil {
			return "", err
		}
	}
	version := jarVersion(jars, "openmldb-batch")
	if version == "" {
		return "", errors.New("java.lang.ClassNotFoundException: com._4paradigm.openmldb.batchjob.RunBatchAndShow")
	}
	if version != m.version {
		return "", mixedJars("openmldb-batchjob-"+m.version, "openmldb-batch-"+version)
	}
	return version, nil
}

// batchJar fails when the jar on HDFS isn't that of the task manager.
func (m *taskManager) batchJar(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("java.io.FileNotFoundException: File does not exist: %s", m.props["batchjob.jar.path"])
	}
	if words := strings.Fields(string(data)); len(words) < 2 || strings.TrimSuffix(words[1], ",") != m.version {
		return mixedJars("openmldb-taskmanager-"+m.version, strings.TrimSpace(string(data)))
	}
	return nil
}

// sameSpark fails when the distribution was replaced under a running job.
func (m *taskManager) sameSpark(begun string) error {
	now, err := m.spark()
	if err == nil && now != begun {
		err = mixedJars("openmldb-batch-"+begun, "openmldb-batch-"+now)
	}
	return err
}

func mixedJars(a, b string) error {
	return fmt.Errorf("java.lang.NoSuchMethodError: com._4paradigm.openmldb.batch.api.OpenmldbSession (from %s.jar and %s.jar)", a, b)
}

// export writes what SELECT … INTO OUTFILE asks for, a directory as Spark makes
// it. A path outside the lab is one on the task manager's host.
func (m *taskManager) export(sql string) error {
	found := outfilePattern.FindStringSubmatch(sql)
	if found == nil {
		return nil
	}
	if strings.Contains(strings.TrimPrefix(found[1], "file://"), "://") {
		return fmt.Errorf("org.apache.hadoop.fs.UnsupportedFileSystemException: this lab only writes file:// paths, not %s", found[1])
	}
	dir := filepath.Clean("/" + strings.TrimPrefix(found[1], "file://"))
	if !strings.HasPrefix(dir, m.site.Dir+"/") {
		dir = filepath.Join(m.site.Root(m.host.Name), dir)
	}
	if _, err := os.Stat(dir); err == nil && !strings.Contains(strings.ToLower(sql), "overwrite") {
		return fmt.Errorf("org.apache.spark.sql.AnalysisException: path file:%s already exists", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "part-00000.csv"), []byte("id,value\n1,1.0\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "_SUCCESS"), nil, 0o644)
}

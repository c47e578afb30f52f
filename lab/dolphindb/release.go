package dolphindb

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// licence is what server/dolphindb.lic says: the fields that license() shows, and a
// signature over them.
type licence struct {
	kind       string
	maxNodes   int // controllers, agents and data nodes together
	expiration string
}

// The licence in every package, and the one that was applied for.
var (
	community = licence{kind: "community", maxNodes: 3, expiration: "2099.12.31"}
	trial     = licence{kind: "trial", maxNodes: 32, expiration: "2099.12.31"}
)

func (l licence) text() string {
	body := fmt.Sprintf("licenseType=%s\nclientName=lab\nmaxNodes=%d\nmaxCoresPerNode=8\nmaxMemoryPerNode=32\nexpiration=%s\n", l.kind, l.maxNodes, l.expiration)
	return body + "signature=" + sign(body) + "\n"
}

func sign(body string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte("DolphinDB\n"+body))) }

// readLicence reads dolphindb.lic. Its errors are what the server logs.
func readLicence(path string, now time.Time) (licence, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return licence{}, refusef("Failed to load the license file [%s].", path)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	body, signature, _ := strings.Cut(text, "signature=")
	if strings.TrimSpace(signature) != sign(body) {
		return licence{}, refusef("The license file [%s] is invalid.", path)
	}
	var l licence
	for line := range strings.Lines(body) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch k {
		case "licenseType":
			l.kind = v
		case "maxNodes":
			if l.maxNodes, err = strconv.Atoi(v); err != nil {
				return licence{}, refusef("The license file [%s] is invalid.", path)
			}
		case "expiration":
			l.expiration = v
		}
	}
	if l.expiration < now.Format("2006.01.02") {
		return licence{}, errExpired
	}
	return l, nil
}

// file is a file of a release.
type file struct {
	text string
	mode os.FileMode
}

// release is what a package of the version unpacks to, by path. A directory's path
// ends with a slash. The program isn't executable, as in the original.
func release(s *site.Site, version string) map[string]file {
	short := version[:strings.LastIndexByte(version, '.')]
	command := func(mode, rest string) string {
		return "#!/bin/sh\nnohup ./../dolphindb -console 0 -mode " + mode + " -home data -script dolphindb.dos -config config/" + mode + ".cfg -logFile log/" + mode + ".log" + rest + " > " + mode + ".nohup 2>&1 &\n"
	}
	const demo = "server/clusterDemo/"
	return map[string]file{
		"server/dolphindb":                     {userland.Script(s, "dolphindb@"+version), 0o644},
		"server/dolphindb.lic":                 {community.text(), 0o644},
		"server/dolphindb.cfg":                 {"localSite=localhost:8848:local8848\nmode=single\nmaxMemSize=8\nmaxConnections=512\nworkerNum=4\n", 0o644},
		"server/dolphindb.dos":                 {"// startup script of the server\n", 0o644},
		"server/libDolphinDB.so":               {"libDolphinDB " + version + "\n", 0o644},
		"server/web/index.html":                {"<!doctype html><title>DolphinDB " + version + "</title>\n", 0o644},
		"server/plugins/odbc/PluginODBC.txt":   {"odbc,libPluginODBC.so," + short + "\n", 0o644},
		"server/plugins/odbc/libPluginODBC.so": {"libPluginODBC " + version + "\n", 0o644},
		demo + "data/":                         {mode: 0o755},
		demo + "log/":                          {mode: 0o755},
		demo + "startController.sh":            {command("controller", " -nodesFile config/cluster.nodes -clusterConfig config/cluster.cfg"), 0o755},
		demo + "startAgent.sh":                 {command("agent", ""), 0o755},
		demo + "stopAllNode.sh":                {userland.Script(s, "stopAllNode.sh"), 0o755},
		demo + "upgrade.sh":                    {userland.Script(s, "upgrade.sh"), 0o755},
		demo + "config/" + controllerFile:      {"mode=controller\nlocalSite=localhost:8900:controller8900\ndfsReplicationFactor=1\ndfsReplicaReliabilityLevel=2\ndataSync=1\nworkerNum=4\nlocalExecutors=3\nmaxConnections=512\nmaxMemSize=8\nlanCluster=0\n", 0o644},
		demo + "config/" + agentFile:           {"mode=agent\nlocalSite=localhost:8901:agent1\ncontrollerSite=localhost:8900:controller8900\nworkerNum=4\nlocalExecutors=3\nmaxMemSize=4\nlanCluster=0\n", 0o644},
		demo + "config/" + clusterFile:         {"maxMemSize=32\nmaxConnections=512\nworkerNum=4\nlocalExecutors=3\nmaxBatchJobWorker=4\nlanCluster=0\n", 0o644},
		demo + "config/" + nodesFile:           {"localSite,mode\nlocalhost:8901:agent1,agent\nlocalhost:8902:P1-node1,datanode\n", 0o644},
	}
}

// writePackage makes the package of a version, as it's downloaded. A broken one
// misses its end.
func writePackage(s *site.Site, version string, broken bool) (err error) {
	path := packagePath(s, version)
	out, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make package %q: %w", path, err)
	}
	defer func() {
		if cerr := out.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("make package %q: %w", path, cerr)
		}
	}()
	z := zip.NewWriter(out)
	files := release(s, version)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2023, 1, 10, 12, 0, 0, 0, time.UTC)}
		h.SetMode(files[name].mode)
		if strings.HasSuffix(name, "/") {
			h.SetMode(files[name].mode | os.ModeDir)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(files[name].text))
		}
		if err != nil {
			return fmt.Errorf("make package %q: %w", path, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("make package %q: %w", path, err)
	}
	if !broken {
		return nil
	}
	info, err := out.Stat()
	if err == nil {
		err = out.Truncate(info.Size() * 2 / 3)
	}
	return err
}

// install unpacks a release of the version below dir, ready to run.
func install(s *site.Site, dir, version string) error {
	for name, f := range release(s, version) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, f.mode); err != nil {
				return fmt.Errorf("install %q: %w", dir, err)
			}
			continue
		}
		if name == "server/dolphindb" {
			f.mode = 0o755
		}
		if err := userland.Write(path, f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// pluginsPath are the plugins of a version, one directory each.
func pluginsPath(s *site.Site, version string) string {
	return filepath.Join(packagesDir(s), "plugins-"+version)
}

func writePlugins(s *site.Site, version string) error {
	for name, f := range release(s, version) {
		rel, ok := strings.CutPrefix(name, "server/plugins/")
		if !ok {
			continue
		}
		if err := userland.Write(filepath.Join(pluginsPath(s, version), rel), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

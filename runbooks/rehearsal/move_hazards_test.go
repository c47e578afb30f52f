package rehearsal_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepgate/runbooks"
)

// moveHazards are the mistakes of the public document, by their ids: what of the shipped
// text keeps each out, and the story that sees it at work.
var moveHazards = []struct{ id, file, has, hasNot, story string }{
	{"H2", "parts/dolphindb-carry.md", `(?m)^  from \{\{from\}\}:\{\{from_data\}\}$`, `(?m)^ *scp `, "TestMoveOneToThree compares the trees, TestMoveTwoToThree after a link that was cut"},
	{"H3", "parts/dolphindb-configure.md", `sed -E`, `\\\\n(ode|")`, "TestMoveOneToThree, TestMoveTwoToThree: cluster.nodes line by line"},
	{"H4", "parts/dolphindb-configure.md", `awk 1`, ``, "the files begin without a final newline and end with one"},
	{"H5", "parts/dolphindb-configure.md", `tr -d '\\r'`, ``, "no file of any place has a carriage return"},
	{"H6", "parts/dolphindb-configure.md", `,agent" >>"`, `echo [^\n]* >[^>&]`, "TestMoveTwoToThree: the list is whole on all three"},
	{"H7", "parts/dolphindb-down.md", `each="ip of old"`, ``, "the ledger has one call for each machine"},
	{"H8", "parts/dolphindb-down.md", `exit in \[0, 123, 143\]`, `kill -9|pkill`, "TestMoveTwoToThree: a data node that doesn't end holds the run"},
	{"H13", "parts/dolphindb-configure.md", `hosts\("instance"\)`, `172\.0\.0`, "TestExpandToFive: controller5 at its own address, one list on all five"},
	{"H14", "dolphindb-expand-to-five.md", `(?m)^  exclude server/clusterDemo/data$`, ``, "TestExpandToFive: nothing of controller1, a metadata directory of its own"},
	{"H16", "parts/dolphindb-configure.md", `agents_wanted`, `(?m)^ +// `, "what is added is agents, and no comment can be run"},
	{"H17", "parts/dolphindb-before.md", `cluster.nodes is the same everywhere`, ``, "TestMoveTwoToThree stops there, TestMoveOneToThree corrects agent2's address"},
	{"H20", "parts/dolphindb-up.md", `saveClusterNodes`, ``, "TestMoveTwoToThree: the controllers keep the old list, and are told"},
	{"H26", "dolphindb-migrate-one-to-three.md", `before\.table_rows == after\.table_rows`, ``, "TestMoveIsUndoneWhole stops there; old copies aside in TestMoveOneToThree"},
	{"H27", "dolphindb-expand-to-five.md", `agent\.cfg\.unused`, ``, "TestExpandToFive: no agent.cfg and no agent on the new servers"},
	{"H29", "parts/dolphindb-configure.md", `for f in controller\.cfg agent\.cfg cluster\.cfg cluster\.nodes`, `sed -i|\./\*`, "TestMoveRewritesWholeAliasesOnce"},
}

func TestMoveHazards(t *testing.T) {
	t.Parallel()
	fences := regexp.MustCompile("(?ms)^ *```(?:sh|dos|copy|expect)[^\n]*\n.*?^ *```$|^#+ [^\n]*$")
	for _, h := range moveHazards {
		t.Run(h.id, func(t *testing.T) {
			t.Parallel()
			src, err := fs.ReadFile(runbooks.FS, h.file)
			if err != nil {
				t.Fatal(err)
			}
			run := strings.Join(fences.FindAllString(string(src), -1), "\n")
			if !regexp.MustCompile(h.has).MatchString(run) {
				t.Errorf("%s: nothing in %s is %q any more", h.story, h.file, h.has)
			}
			if h.hasNot != "" {
				if found := regexp.MustCompile(h.hasNot).FindString(run); found != "" {
					t.Errorf("%s has %q", h.file, found)
				}
			}
		})
	}
}

// What rewrites the configuration takes an alias as a whole, and changes nothing when it
// is run again.
func TestMoveRewritesWholeAliasesOnce(t *testing.T) {
	t.Parallel()
	src, err := fs.ReadFile(runbooks.FS, "parts/dolphindb-configure.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)\\{#write\\}.*?\n  ```sh [^\n]*\n(.*?)\n  ```").FindSubmatch(src)
	if program == nil {
		t.Fatal("the step that writes the configuration isn't there")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "server", "clusterDemo", "config")
	if err := os.MkdirAll(filepath.Join(config, "config.bak"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cluster.nodes":    "localSite,mode\r\n172.0.0.1:9901:controller1,controller\r\n172.0.0.1:9910:controller10,controller\r\n172.0.0.1:9907:node1,datanode",
		"agent.cfg":        "localSite=170.0.0.1:9904:agent1\r\nsites=172.0.0.1:9904:agent1:agent,172.0.0.1:9910:controller10:controller,172.0.0.1:9901:controller1:controller\r\nmode=agent",
		"controller.cfg":   "localSite=172.0.0.1:9901:controller1\r\ndfsMetaDir=/ssd/node1/dfsMeta",
		"cluster.cfg":      "node1.volumes=/ssd/node1/volumes",
		"cluster.cfg.bak":  "172.0.0.1:9901:controller1",
		"config.bak/agent": "172.0.0.1:9901:controller1",
	} {
		if err := os.WriteFile(filepath.Join(config, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		cmd := exec.Command("sh", "-euc", string(program[1])+"\ncd \"$install/server/clusterDemo\"\nrm -rf old\nmv config old\nmv \"config.$STEPGATE_RUN.new\" config\n")
		cmd.Env = append(os.Environ(), "install="+dir, "STEPGATE_RUN=r",
			"controllers_wanted=10.0.0.1:9901:controller1\n10.0.0.2:9902:controller2", "agents_wanted=10.0.0.1:9904:agent1\n10.0.0.2:9905:agent2", "nodes_wanted=10.0.0.1:9907:node1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for name, want := range map[string]string{
			"cluster.nodes":    "localSite,mode\n10.0.0.1:9901:controller1,controller\n172.0.0.1:9910:controller10,controller\n10.0.0.1:9907:node1,datanode\n10.0.0.2:9902:controller2,controller\n10.0.0.1:9904:agent1,agent\n10.0.0.2:9905:agent2,agent\n",
			"agent.cfg":        "localSite=10.0.0.1:9904:agent1\nsites=10.0.0.1:9904:agent1:agent,172.0.0.1:9910:controller10:controller,10.0.0.1:9901:controller1:controller,10.0.0.2:9902:controller2:controller\nmode=agent\n",
			"controller.cfg":   "localSite=10.0.0.1:9901:controller1\ndfsMetaDir=/ssd/node1/dfsMeta\n",
			"cluster.cfg":      "node1.volumes=/ssd/node1/volumes\n",
			"cluster.cfg.bak":  "172.0.0.1:9901:controller1",
			"config.bak/agent": "172.0.0.1:9901:controller1",
		} {
			if got, err := os.ReadFile(filepath.Join(config, name)); err != nil || string(got) != want {
				t.Errorf("%s is %q, %v, and not %q", name, got, err, want)
			}
		}
	}
}

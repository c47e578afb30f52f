package dolphindb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the server makes of configuration files, among them those that the tutorial's
// commands leave behind.
func TestReadNodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fact, text, want, fails string }{
		{fact: "§1.3: a header, then ip:port:alias,mode", text: "localSite,mode\n10.10.11.1:8920:HActl43,controller\n10.10.11.1:8922:node43,datanode\n", want: "10.10.11.1:8920:HActl43,controller 10.10.11.1:8922:node43,datanode"},
		{fact: "H5: CRLF and no final newline are read", text: "localSite,mode\r\n172.0.0.1:9901:controller1,controller\r\n172.0.0.1:9907:node1,datanode", want: "172.0.0.1:9901:controller1,controller 172.0.0.1:9907:node1,datanode"},
		{fact: "§4: an empty file", text: "", fails: "The input file is empty."},
		{fact: "§1.3: the first line must not be blank", text: "\nlocalSite,mode\n1.1.1.1:1:a,agent\n", fails: "The input file is empty."},
		{fact: "H3: \\n in sed's replacement breaks the line", text: "localSite,mode\n172.0.0.1:9907:\node1,datanode\n", fails: "Invalid site: 172.0.0.1:9907:"},
		{fact: "H4: lines that are glued", text: "localSite,mode\n172.0.0.3:9909:node3,datanode172.0.0.2:9905:agent2,agent\n", fails: "Invalid node mode: datanode172.0.0.2:9905:agent2,agent"},
		{fact: "H6: > for >> leaves one line", text: "172.0.0.3:9906:agent3,agent\n", fails: "Invalid header: 172.0.0.3:9906:agent3,agent"},
		{fact: "§1.3: aliases are unique", text: "localSite,mode\n1.1.1.1:1:a,agent\n1.1.1.1:2:a,agent\n", fails: "Duplicated node alias: a"},
		{fact: "H5: a CR that got inside of a site", text: "localSite,mode\n1.1.1.1:1:a\r,agent\n", fails: `Invalid site: 1.1.1.1:1:a\r`},
	} {
		path := filepath.Join(t.TempDir(), "cluster.nodes")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readNodes(path)
		var text []string
		for _, n := range got {
			text = append(text, n.hostPort()+":"+n.alias+","+n.mode)
		}
		if said := message(err); said != c.fails || strings.Join(text, " ") != c.want && c.fails == "" {
			t.Errorf("%s: %v, %q", c.fact, text, said)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAgentSites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fact, text, fails string }{
		{fact: "§1.3: own agent and every controller", text: "1.1.1.1:2:agent1:agent,1.1.1.1:1:c1:controller"},
		{fact: "H5: sed's $ appends behind the CR", text: "1.1.1.1:2:agent1:agent,1.1.1.1:1:c1:controller\r,1.1.1.4:1:c4:controller", fails: `Invalid node mode: controller\r`},
		{fact: "an entry without a mode", text: "1.1.1.1:2:agent1", fails: "Invalid site: 1.1.1.1:2"},
	} {
		if _, err := agentSites(c.text); message(err) != c.fails {
			t.Errorf("%s: %v", c.fact, err)
		}
	}
}

// What of a script is in the ledger: what changes more than rows, without passwords.
func TestChanges(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"login(\"admin\", \"secret\")\nprint(1)":                                               "",
		"login(\"admin\", \"secret\"); startDataNode([\"node43\"])":                            `startDataNode(["node43"])`,
		"rpc(getControllerAlias(), stopDataNode, [\"node43\"])":                                `rpc(getControllerAlias(), stopDataNode, ["node43"])`,
		"saveClusterNodes([(\"a\")])\ndropDatabase(\"dfs://x\")":                               `saveClusterNodes([("a")])|dropDatabase("dfs://x")`,
		"try { login(\"admin\", \"secret\") } catch(ex) { dropDatabase(\"dfs://x\") }":         "dropDatabase",
		"select * from rpc(getControllerAlias(), getClusterChunksStatus) // no startDataNodes": "",
	} {
		if got := strings.Join(changes(script), "|"); got != want {
			t.Errorf("%s: %q", script, got)
		}
	}
}

func TestNothingFree(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 100 10 90 10% /\n": "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 100 10 0 100% /\n",
		"Filesystem Size Used Avail Use% Mounted on\n/dev/vda 1G 1M 9M 1% /\n":                  "Filesystem Size Used Avail Use% Mounted on\n/dev/vda 1G 1M 0 100% /\n",
		"": "",
	} {
		if got := nothingFree(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

package dolphindb_test

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

const usage = `(?s)\nUsage:\n kill \[options\] <pid> \[\.\.\.\]\n.*For more details see kill\(1\)\.\n`

func TestStopAllNode(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb-one-to-three")
	demo := c.demo("old-1")
	all := func(c *cluster) int {
		return len(c.processes("old-1")) + len(c.processes("old-2")) + len(c.processes("old-3"))
	}
	var asleep result
	c.run("ddb-2", "", "cp -r "+c.place("old-2")["install"]+" home/")
	c.play([]row{
		{
			fact: "H9: the shipped file is stopAllNode.sh; nothing is stopped", host: "ddb-1", dir: demo, command: "sh stopAllNodes.sh",
			exit: 2, err: `sh: 0: cannot open stopAllNodes\.sh: No such file\n`,
			effect: func(c *cluster) {
				if n := all(c); n != 7 {
					c.t.Errorf("%d processes run", n)
				}
			},
		},
		{
			fact: "H7: on a machine where nothing runs kill's usage is shown, exit code 123", host: "ddb-2", dir: c.demo("inst-2"), command: "sh stopAllNode.sh",
			exit: 123, err: usage,
		},
		{
			fact: "H7, §4: silent; it stops what runs out of all install directories, when it has flushed", host: "ddb-1", dir: demo, command: "sh stopAllNode.sh",
			effect: func(c *cluster) {
				c.eventually("all have ended", func() bool { return all(c) == 0 })
				for _, port := range []string{"ctl_port", "agent_port", "node_port"} {
					if left := c.run("ddb-1", "", "ss -Hltn 'sport = :"+c.place("old-1")[port]+"'").out; left != "" {
						c.t.Errorf("%s is bound: %s", port, left)
					}
				}
				if took := c.flushed("old-1", "node3.log"); took < c.Scaled(8*time.Second) {
					c.t.Errorf("node3 lingered for %v", took)
				}
			},
		},
		{
			fact: "H7: the next call finds nothing", host: "ddb-1", dir: c.demo("old-2"), command: "sh stopAllNode.sh",
			exit: 123, err: usage,
		},
		{
			fact: "H8: a tail with dolphindb in its arguments is hit too; grep isn't", host: "ddb-1", dir: demo,
			before:  func(c *cluster) { c.write(filepath.Join(c.Root("ddb-1"), "dolphindb.out"), "") },
			command: "tail -f " + c.Root("ddb-1") + "/dolph*.out & p=$!; until ps -o args= -p $p | grep -q ^tail; do sleep 0.02; done; sh stopAllNode.sh; wait $p; echo $?", out: `143\n`, err: anything,
		},
		{
			fact: "H8: the shell that calls is hit, if its command line matches: it dies of the signal", host: "ddb-1", dir: demo,
			command: "sh stopAllNode.sh # /home/dolphindb_1", exit: -1, err: anything,
		},
		{
			fact: "H8: what runs on another machine isn't", host: "ddb-2", dir: demo,
			before: func(c *cluster) {
				asleep = c.run("ddb-2", "", "tail -f /dev/null dolphindb >/dev/null 2>&1 & echo $!")
			},
			command: "true",
			effect: func(c *cluster) {
				c.run("ddb-1", demo, "sh stopAllNode.sh")
				if r := c.run("ddb-2", "", "kill -0 "+asleep.out); r.exit != 0 {
					c.t.Errorf("ddb-2's process was hit: %+v", r)
				}
			},
		},
	})
}

// flushed is how long a process lingered after SIGTERM, by its log.
func (c *cluster) flushed(name, log string) time.Duration {
	c.t.Helper()
	c.logged(name, log, `<INFO> :MainServer shutdown\.`)
	text := c.read(filepath.Join(c.demo(name), "log", log))
	at := func(what string) time.Time {
		m := regexp.MustCompile(`(?m)^(\S+ \S+) <\w+> :` + what).FindStringSubmatch(text)
		if m == nil {
			c.t.Fatalf("%s isn't in %s", what, text)
		}
		when, err := time.Parse("2006-01-02 15:04:05.000000", m[1])
		if err != nil {
			c.t.Fatal(err)
		}
		return when
	}
	return at("MainServer shutdown").Sub(at("Received signal 15"))
}

// The faults of stopping: what is asked to end doesn't, or takes its time.
func TestStopFaults(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb", "ddb-1:stop=survive", "ddb-2:stop=slow")
	for _, host := range []string{"ddb-1", "ddb-2"} {
		if r := c.run(host, c.demo(host), "sh stopAllNode.sh"); r.exit != 0 || r.out+r.err != "" {
			t.Errorf("%s: %+v", host, r)
		}
		c.logged(host, "controller.log", "Received signal 15")
	}
	c.eventually("the slow ones have ended", func() bool { return len(c.processes("ddb-2")) == 0 })
	if took := c.flushed("ddb-2", "agent.log"); took < c.Scaled(2*time.Minute) {
		t.Errorf("the slow agent lingered for %v", took)
	}
	if got := c.processes("ddb-1"); len(got) != 3 {
		t.Errorf("ddb-1: %q", got)
	}
	c.fault("ddb-1:stop=")
	c.run("ddb-1", c.demo("ddb-1"), "sh stopAllNode.sh")
	c.none("ddb-1")
}

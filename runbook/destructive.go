package runbook

import (
	"slices"
	"strings"
)

// destroyer is a command that looks destructive with some arguments.
type destroyer struct {
	name   string
	prefix bool // any command whose name begins so
	match  func(args []string) bool
	says   string
}

func always([]string) bool { return true }

// option matches when any of the options is given.
func option(words ...string) func([]string) bool {
	return func(args []string) bool { return has(args, words...) }
}

// verb matches when any of the words stands among the arguments.
func verb(words ...string) func([]string) bool {
	return func(args []string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(words, a) })
	}
}

// starting matches arguments that begin with prefix.
func starting(prefix string) func([]string) bool {
	return func(args []string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return len(a) > len(prefix) && a[:len(prefix)] == prefix })
	}
}

func both(a, b func([]string) bool) func([]string) bool {
	return func(args []string) bool { return a(args) && b(args) }
}

func killing(args []string) bool {
	return has(args, "-9", "-KILL", "-SIGKILL") || verb("KILL", "SIGKILL", "9")(args) && has(args, "-s", "-n", "--signal") ||
		verb("--signal=KILL", "--signal=SIGKILL", "--signal=9")(args)
}

// destructive are the commands that a plain document's reader is asked about.
var destructive = []destroyer{
	{"rm", false, option("-r", "-R", "--recursive"), "rm -r"},
	{"kill", false, killing, "kill -9"},
	{"pkill", false, killing, "pkill -9"},
	{"killall", false, always, "killall"},
	{"mkfs", true, always, "mkfs"},
	{"mkswap", false, always, "mkswap"},
	{"wipefs", false, always, "wipefs"},
	{"shred", false, always, "shred"},
	{"dd", false, starting("of="), "dd of="},
	{"truncate", false, always, "truncate"},
	{"fdisk", false, always, "fdisk"},
	{"parted", false, always, "parted"},
	{"lvremove", false, always, "lvremove"},
	{"vgremove", false, always, "vgremove"},
	{"pvremove", false, always, "pvremove"},
	{"userdel", false, always, "userdel"},
	{"dropdb", false, always, "dropdb"},
	{"kubectl", false, verb("delete", "drain", "evict"), "kubectl delete or drain"},
	{"kubectl", false, both(verb("replace"), option("--force")), "kubectl replace --force"},
	{"helm", false, verb("uninstall", "delete", "rollback"), "helm uninstall or rollback"},
	{"terraform", false, verb("destroy", "apply"), "terraform"},
	{"docker", false, verb("rm", "rmi", "kill", "stop", "prune", "down"), "docker rm or stop"},
	{"podman", false, verb("rm", "rmi", "kill", "stop", "prune", "down"), "podman rm or stop"},
	{"docker-compose", false, verb("rm", "kill", "stop", "down"), "docker-compose down or stop"},
	{"systemctl", false, verb("stop", "restart", "disable", "kill", "mask", "isolate", "reboot", "poweroff", "halt"), "systemctl stop or restart"},
	{"service", false, verb("stop", "restart"), "service stop or restart"},
	{"shutdown", false, always, "shutdown"},
	{"reboot", false, always, "reboot"},
	{"poweroff", false, always, "poweroff"},
	{"halt", false, always, "halt"},
	{"init", false, verb("0", "1", "6"), "init"},
	{"iptables", false, option("-F", "-X", "--flush"), "iptables -F"},
	{"nft", false, verb("flush", "delete"), "nft flush"},
	{"crontab", false, option("-r"), "crontab -r"},
	{"rsync", false, func(args []string) bool {
		return verb("--delete", "--delete-after", "--delete-before", "--delete-during", "--delete-excluded", "--remove-source-files")(args)
	}, "rsync --delete"},
	{"chmod", false, option("-R", "--recursive"), "chmod -R"},
	{"chown", false, option("-R", "--recursive"), "chown -R"},
	{"git", false, both(verb("push"), option("-f", "--force")), "git push --force"},
	{"git", false, both(verb("reset"), verb("--hard")), "git reset --hard"},
	{"git", false, both(verb("clean"), option("-f", "--force")), "git clean -f"},
	{"redis-cli", false, verb("FLUSHALL", "FLUSHDB", "flushall", "flushdb", "SHUTDOWN", "shutdown"), "redis-cli flushall"},
	{"curl", false, both(option("-X", "--request"), verb("DELETE")), "curl -X DELETE"},
	{"curl", false, verb("-XDELETE", "--request=DELETE"), "curl -X DELETE"},
}

// destructiveByName are the rules for one command; those for families of
// commands stand under "".
var destructiveByName = func() map[string][]destroyer {
	m := map[string][]destroyer{}
	for _, rule := range destructive {
		name := rule.name
		if rule.prefix {
			name = ""
		}
		m[name] = append(m[name], rule)
	}
	return m
}()

// destroys says what a command line would run that destroys, or "".
func destroys(name string, args []string) string {
	for _, rule := range destructiveByName[name] {
		if rule.match(args) {
			return rule.says
		}
	}
	for _, rule := range destructiveByName[""] {
		if strings.HasPrefix(name, rule.name) && rule.match(args) {
			return rule.says
		}
	}
	return ""
}

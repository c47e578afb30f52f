package executor_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

func TestMain(m *testing.M) {
	// x/crypto's OpenChannel may stay behind when its connection ends meanwhile.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*mux).openChannel"))
}

// memoryDir is a temporary directory that costs no disk time, where there is one: the
// protocol makes its files durable, and other packages' tests share the disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "executor-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// localMachine boots a machine whose protocol is run by the given shell, with a PATH
// of its own.
func localMachine(shell, path string) executortest.BootMachine {
	return func(t *testing.T) executortest.Machine {
		home := memoryDir(t)
		return executortest.Machine{Open: func(t *testing.T, env ...string) executor.Executor {
			login := append([]string{"PATH=" + path, "HOME=" + home, "LANG=C.UTF-8"}, executortest.LoginEnv...)
			x := executor.NewLocal(executor.LocalOptions{Dir: home, Shell: shell, Env: append(login, env...)})
			t.Cleanup(func() {
				if err := x.Close(); err != nil {
					t.Error(err)
				}
			})
			return x
		}}
	}
}

func TestLocal(t *testing.T) {
	executortest.Suite(t, localMachine("sh", os.Getenv("PATH")))
}

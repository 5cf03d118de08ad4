//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var servingAt = regexp.MustCompile(`address=(http://\S+)`)

// command starts this program as a process.
func command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

// addressIn waits for the address in a log file.
func addressIn(t *testing.T, logFile string) (url string) {
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(logFile)
		if m := servingAt.FindSubmatch(text); m != nil {
			url = string(m[1])
		}
		return url != ""
	}, 20*time.Second, 5*time.Millisecond)
	return url
}

func ask(t *testing.T, url, path, body string) *http.Response {
	res, err := http.Post(url+path, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	return res
}

// SIGHUP opens the log file anew and ends nothing: not a server at work, and
// not one that lets its last requests finish.
func TestHangup(t *testing.T) {
	logFile := filepath.Join(t.TempDir(), "cllm.log")
	cmd := command(t, "serve", "-p", "0", "-F", logFile)
	require.NoError(t, cmd.Start())
	url := addressIn(t, logFile)

	require.NoError(t, os.Rename(logFile, logFile+".old"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(logFile)
		return strings.Contains(string(text), "the log file is opened anew")
	}, 10*time.Second, 5*time.Millisecond)

	res := ask(t, url, "/generate_stream", `{"prompt":"Once","max_tokens":1800,"ignore_eos":true,"temperature":0}`)
	defer res.Body.Close()
	events := bufio.NewReader(res.Body)
	_, err := events.ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	rest, err := io.ReadAll(events)
	require.NoError(t, err)
	require.Contains(t, string(rest), `"done":true`)
	require.NoError(t, cmd.Wait(), "it ended as it was told")
}

// SIGHUP reads the keys again; those of a file that has none do not replace
// others.
func TestHangupReadsKeys(t *testing.T) {
	dir := t.TempDir()
	logFile, keyFile := filepath.Join(dir, "cllm.log"), filepath.Join(dir, "keys")
	write := func(text string) { require.NoError(t, os.WriteFile(keyFile, []byte(text), 0o600)) }
	write("first-key\n")
	cmd := command(t, "serve", "-p", "0", "-F", logFile, "-L", "debug", "--api-key-file", keyFile)
	require.NoError(t, cmd.Start())
	url := addressIn(t, logFile)
	status := func(key string) int {
		r, err := http.NewRequest("GET", url+"/v1/models", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	hangup := func(says string) {
		require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool {
			text, _ := os.ReadFile(logFile)
			return strings.Contains(string(text), says)
		}, 10*time.Second, 5*time.Millisecond)
	}
	require.Equal(t, 200, status("first-key"))
	write("second-key\n")
	hangup("the API keys are read again")
	require.Equal(t, 401, status("first-key"))
	require.Equal(t, 200, status("second-key"))
	write("")
	hangup("the API keys stay as they are")
	require.Equal(t, 200, status("second-key"))
	for key, want := range map[string]int{"second-key": 0, "first-key": 1} {
		code, _, errs := cllm(t, "", "bench-server", "--server-url", url, "--api-key", key, "--requests", "1", "--max-tokens", "2", "--test-type", "api-sequential")
		require.Equal(t, want, code, errs)
	}
	text, err := os.ReadFile(logFile)
	require.NoError(t, err)
	require.NotContains(t, string(text), "second-key")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
}

// Whoever reads the log of a server may go away.
func TestLogReaderLeaves(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	cmd := command(t, "serve", "-p", "0", "-L", "debug")
	cmd.Stderr = w
	require.NoError(t, cmd.Start())
	require.NoError(t, w.Close())
	var url string
	for lines := bufio.NewScanner(r); url == "" && lines.Scan(); {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
	}
	require.NotEmpty(t, url)
	require.NoError(t, r.Close())
	for range 3 { // each is a line of the log
		ask(t, url, "/generate", `{"prompt":"Once","max_tokens":3}`).Body.Close()
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
}

// A real Ctrl-C, once, while a pipe stays open.
func TestInterruptEndsReading(t *testing.T) {
	for _, name := range []string{"generate", "tokenize"} {
		cmd := command(t, name)
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		// The pipe takes more than it holds only when somebody reads it.
		_, err = in.Write(make([]byte, 1<<20))
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			require.ErrorContains(t, err, "exit status 130", name)
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			require.Fail(t, "still reading", name)
		}
	}
}

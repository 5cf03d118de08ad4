package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/fidelity"
)

const tale = "../../testdata/golden/tale.txt"

func TestPerplexity(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	code, out, errs := cllm(t, "", "perplexity", "-f", tale, "-c", "64", "--kl-divergence-base", base)
	require.Zero(t, code, errs)
	require.Regexp(t, `^Final estimate: PPL = \d+\.\d{4} \+/- \d+\.\d{5}\n$`, out)
	require.Contains(t, errs, "10 of 10 windows")

	text, err := os.ReadFile(tale)
	require.NoError(t, err)
	code, piped, _ := cllm(t, string(text), "perplexity", "-c", "64")
	require.Zero(t, code)
	require.Equal(t, out, piped)

	code, out, errs = cllm(t, "", "perplexity", "--kl-divergence", "--kl-divergence-base", base, "--kv-type", "q8_0")
	require.Zero(t, code, errs)
	for _, want := range []string{"Mean PPL(Q)                   :", "Mean    KLD:", "99%     KLD:", "median  KLD:", "Same top p:"} {
		require.Contains(t, out, want)
	}
	code, out, _ = cllm(t, "", "perplexity", "--kl-divergence", "--kl-divergence-base", base, "--json", "-t", "1")
	require.Zero(t, code)
	var d fidelity.Divergence
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.Equal(t, 10*fidelity.Counted(64), d.Positions)
	require.Less(t, d.KL.Mean.Value, 1e-5, "the same model")
	require.Equal(t, 1.0, d.SameFirst.Value)
}

func TestPerplexityUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--kl-divergence"}, exitUsage, "--kl-divergence-base"},
		{[]string{"--kl-divergence", "--kl-divergence-base", "x", "-f", tale}, exitUsage, "--file"},
		{[]string{"-f", tale, "--chunks", "-1"}, exitUsage, "--chunks is -1"},
		{[]string{"-f", tale, "-t", "-1"}, exitUsage, "-1 is out of range: 0 to 1024"},
		{[]string{"-f", tale, "-c", "3"}, exitUsage, "--context is 3"},
		{[]string{"-f", tale, "--kv-type", "f8"}, exitUsage, "--kv-type"},
		{[]string{"-f", tale}, exitFailure, "needs at least 1024"},
		{[]string{"-f", tale, "-c", "1000000"}, exitFailure, "1000000"},
		{[]string{"--kl-divergence", "--kl-divergence-base", tale}, exitFailure, tale + ": this is no file of log-probabilities"},
		{[]string{"--kl-divergence", "--kl-divergence-base", "no such file"}, exitFailure, "no such file"},
	} {
		code, _, errs := cllm(t, "", append([]string{"perplexity"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.want)
	}
}

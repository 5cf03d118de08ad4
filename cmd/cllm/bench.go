package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"cllm/bench"
	"cllm/config"
	"cllm/kernels"
	"cllm/machine"
	"cllm/runtime"
	"cllm/tensor"
)

// benchRow is a result with what it was measured on, after llama-bench.
type benchRow struct {
	Build     string `json:"build_commit"`
	CPU       string `json:"cpu_info"`
	Backends  string `json:"backends"`
	Filename  string `json:"model_filename"`
	ModelType string `json:"model_type"`
	Size      int64  `json:"model_size"`
	Params    int64  `json:"model_n_params"`
	TypeK     string `json:"type_k"`
	TypeV     string `json:"type_v"`
	bench.Row
}

func newBench() *cobra.Command {
	var s *settings
	var format string
	t := bench.Tests{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the forward pass of a model",
		Long: "Measure the forward pass of a model, in the manner of llama-bench: every combination of the lists.\n" +
			"Prompts are read by one sequence; generation runs --parallel sequences, and its tokens/s are those of all.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := s.load()
			if err != nil {
				return err
			}
			t.KV = c.KVType
			out, err := newTable(cmd.OutOrStdout(), format)
			if err != nil {
				return err
			}
			return runBench(cmd.Context(), c, t, commandLog(cmd), out)
		},
	}
	f := cmd.Flags()
	s = addSettings(f, append(modelSettings, "kv-type")...)
	f.IntSliceVarP(&t.Prompts, "n-prompt", "p", []int{512}, "tokens of prompts; 0 is no such test")
	f.IntSliceVarP(&t.Gens, "n-gen", "n", []int{128}, "tokens to generate; 0 is no such test")
	f.IntSliceVarP(&t.Depths, "n-depth", "d", []int{0}, "positions filled before")
	f.IntSliceVar(&t.Parallels, "parallel", []int{1}, "sequences that generate together")
	f.IntSliceVarP(&t.Threads, "threads", "t", []int{tensor.DefaultThreads()}, "compute threads")
	f.IntVarP(&t.Repeat, "repetitions", "r", 5, "samples of each test")
	f.IntVarP(&t.Batch, "batch", "b", 512, "tokens of one pass over a prompt")
	f.StringVarP(&format, "output", "o", "md", "md, json or csv")
	return cmd
}

func runBench(ctx context.Context, settings *config.Config, t bench.Tests, log *slog.Logger, out table) error {
	l, err := load(settings, log)
	if err != nil {
		return err
	}
	defer l.Close()
	k, err := kernels.Select("")
	if err != nil {
		return err
	}
	c := l.model.Config()
	if err := t.Check(c); err != nil {
		return usageError{err}
	}
	var o runtime.Options
	o.Threads, o.Parallel, o.KVFormat = slices.Max(t.Threads), slices.Max(t.Parallels), t.KV
	o.KVMemory, o.Context = t.KVBytes(c), t.Longest()
	if _, err := runtime.Plan(c, o, machine.ReadMemory()); err != nil {
		return err
	}
	base := benchRow{Build: version, CPU: cpuid.CPU.BrandName, Backends: "CPU " + k.Name, Filename: l.file.Path(),
		ModelType: strings.TrimSpace(c.Arch + " " + c.FileType), Size: c.WeightBytes, Params: c.Params, TypeK: t.KV.String(), TypeV: t.KV.String()}
	var memory [][]byte
	for _, tensor := range l.file.Tensors() {
		memory = append(memory, tensor.Data)
	}
	err = bench.Model(ctx, l.model, k, t, l.bytesPerStep(), memory, func(r bench.Row) error {
		row := base
		row.Row = r
		return out.add(row)
	})
	if ctx.Err() != nil {
		err = errInterrupted
	}
	if e := out.end(); err == nil {
		err = e
	}
	return err
}

// table writes the rows in one of the formats.
type table interface {
	add(benchRow) error
	end() error
}

func newTable(w io.Writer, format string) (table, error) {
	switch format {
	case "md":
		return &markdown{w: w}, nil
	case "json":
		return &jsonTable{w: w}, nil
	case "csv":
		return &csvTable{w: csv.NewWriter(w)}, nil
	}
	return nil, usage("--output %q is none of md, json, csv", format)
}

type markdown struct {
	w     io.Writer
	begun bool
}

func (m *markdown) add(r benchRow) error {
	if !m.begun {
		m.begun = true
		fmt.Fprintf(m.w, "%s, %s\n\n", r.CPU, r.Backends)
		fmt.Fprintf(m.w, "| %-30s | %10s | %8s | %7s | %-20s | %18s | %7s | %9s | %s |\n", "model", "size", "params", "threads", "test", "tokens/s", "GB/s", "of GB/s", "logits")
		fmt.Fprintln(m.w, "|---|---:|---:|---:|---|---:|---:|---:|---|")
	}
	_, err := fmt.Fprintf(m.w, "| %-30s | %6.2f MiB | %6.2f M | %7d | %-20s | %9.2f ± %6.2f | %7.2f | %9.2f | %s |\n",
		strings.TrimSuffix(filepath.Base(r.Filename), ".gguf"), float64(r.Size)/(1<<20), float64(r.Params)/1e6, r.Threads, r.Name(),
		r.AvgTS, r.StddevTS, r.GBPerS, r.BandwidthGBs, r.LogitsHash)
	return err
}

func (m *markdown) end() error { return nil }

type jsonTable struct {
	w    io.Writer
	rows []benchRow
}

func (j *jsonTable) add(r benchRow) error {
	j.rows = append(j.rows, r)
	return nil
}

func (j *jsonTable) end() error {
	text, err := json.MarshalIndent(append([]benchRow{}, j.rows...), "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(j.w, "%s\n", text)
	return err
}

type csvTable struct {
	w     *csv.Writer
	begun bool
}

func (c *csvTable) add(r benchRow) error {
	if !c.begun {
		c.begun = true
		_ = c.w.Write(strings.Split("build_commit,cpu_info,backends,model_filename,model_type,model_size,model_n_params,type_k,type_v,"+
			"n_prompt,n_gen,n_depth,n_parallel,n_threads,n_batch,test_time,avg_ns,stddev_ns,avg_ts,stddev_ts,ci95_ts,gb_per_s,bandwidth_gb_per_s,logits_hash", ","))
	}
	var record []string
	for _, v := range []any{r.Build, r.CPU, r.Backends, r.Filename, r.ModelType, r.Size, r.Params, r.TypeK, r.TypeV,
		r.Prompt, r.Gen, r.Depth, r.Parallel, r.Threads, r.Batch, r.TestTime, r.AvgNS, r.StddevNS, r.AvgTS, r.StddevTS, r.CI95TS,
		r.GBPerS, r.BandwidthGBs, r.LogitsHash} {
		record = append(record, fmt.Sprint(v))
	}
	_ = c.w.Write(record) // Flush tells
	c.w.Flush()
	return c.w.Error()
}

func (c *csvTable) end() error { return nil }

package main

import (
	"context"
	"log/slog"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cllm/config"
	"cllm/runtime"
	"cllm/server"
	"cllm/tensor"
)

func newServe() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a model over HTTP",
		Long: "Serve a model over HTTP. The settings come from the defaults, a YAML file (-f), the environment (CLLM_*)\n" +
			"and the flags, each winning over the one before; docs/configuration.md has them all.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.Bool("help", false, "help for serve") // -h is the host, as it always was
	f.StringVarP(&file, "config", "f", "", "YAML file with settings")
	values := map[string]string{}
	for _, s := range config.Settings {
		if s.Flag != "" {
			f.VarPF(&settingFlag{s, values}, s.Flag, s.Short, s.Help).NoOptDefVal = noOption(s)
		}
	}
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name {
		case "model-path":
			name = "model"
		case "context":
			name = "max-context-length"
		}
		return pflag.NormalizedName(name)
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, warnings, err := config.Load(file, os.LookupEnv, values)
		if err != nil {
			return usageError{err}
		}
		log, closer, err := c.Logger()
		if err != nil {
			return err
		}
		defer closer.Close()
		for _, w := range warnings {
			log.Warn(w)
		}
		return serve(cmd.Context(), c, log)
	}
	return cmd
}

// settingFlag is a setting as a flag.
type settingFlag struct {
	setting *config.Setting
	values  map[string]string
}

func (f *settingFlag) String() string { return "" }
func (f *settingFlag) Type() string   { return f.setting.Type() }

func (f *settingFlag) Set(value string) error {
	if err := f.setting.Check(value); err != nil {
		return err
	}
	f.values[f.setting.Flag] = value
	return nil
}

// noOption lets a flag that is true or false stand by itself.
func noOption(s *config.Setting) string {
	if s.Type() == "boolean" {
		return strconv.FormatBool(true)
	}
	return ""
}

func serve(ctx context.Context, c *config.Config, log *slog.Logger) error {
	l, err := load(modelFlags{c.Model, []string{c.OverrideKV}}, log)
	if err != nil {
		return err
	}
	defer l.Close()
	shape := l.model.Config()
	if c.Context > shape.Context {
		log.Warn("the context is as long as the model's own", "asked", c.Context, "context", shape.Context)
		c.Context = shape.Context
	}
	options, err := engineOptions(c, log)
	if err != nil {
		return err
	}
	if cores := tensor.DefaultThreads(); options.Threads > cores {
		log.Warn("more threads than cores that this process may use: they will wait for each other", "threads", options.Threads, "cores", cores)
	}
	// The workers keep every core busy. Threads of their own let the system
	// share the cores with those that answer, at once and not at the next step.
	goruntime.GOMAXPROCS(max(goruntime.GOMAXPROCS(0), options.Threads+2))
	engine, err := runtime.New(l.model, l.tokenizer, options)
	if err != nil {
		return err
	}
	defer engine.Close()
	// The plan's part that is Go's: near it, garbage is collected sooner.
	debug.SetMemoryLimit(engine.Plan().Scratch + engine.Plan().Margin)
	for line := range strings.Lines(engine.Plan().String()) {
		log.Info("memory: " + strings.TrimSpace(line))
	}
	s := server.New(server.Options{Engine: server.Runtime(engine), Tokenizer: l.tokenizer, Model: shape, ModelPath: l.file.Path(),
		Config: c, Version: version, Log: log})
	listener, err := s.Listen()
	if err != nil {
		return err
	}
	log.Info("serving", "model", l.file.Path(), "address", "http://"+listener.Addr().String(), "threads", options.Threads,
		"parallel", c.Parallel, "context", engine.Context())
	return s.Serve(ctx, listener)
}

// engineOptions are the settings as the engine takes them.
func engineOptions(c *config.Config, log *slog.Logger) (runtime.Options, error) {
	var o runtime.Options
	o.Threads, o.Context, o.Parallel, o.MaxWaiting, o.StepTokens = c.Threads, c.Context, c.Parallel, c.MaxWaiting, c.StepTokens
	o.MemoryLimit, o.KVMemory, o.NoPrefixCache, o.Logger = c.MemoryLimit, c.KVMemory, !c.PrefixCache, log
	if o.Threads == 0 {
		o.Threads = tensor.DefaultThreads()
	}
	if c.MaxWaiting == 0 {
		o.MaxWaiting = -1 // of the engine: none
	}
	if !c.Speculate {
		o.Speculate = -1 // of the engine: none
	}
	var err error
	o.KVFormat, err = runtime.ParseKVFormat(c.KVType)
	return o, err
}

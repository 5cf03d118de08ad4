package main

import (
	"context"
	"log/slog"
	goruntime "runtime"
	"strings"

	"github.com/spf13/cobra"

	"cllm/config"
	"cllm/runtime"
	"cllm/server"
	"cllm/tensor"
)

func newServe() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a model over HTTP",
		Long: "Serve a model over HTTP. The settings come from the defaults, a YAML file (-f), the environment (CLLM_*)\n" +
			"and the flags, each winning over the one before; docs/configuration.md has them all.",
		Args: cobra.NoArgs,
	}
	s := addAllSettings(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, warnings, err := s.load()
		if err != nil {
			return err
		}
		log, file, err := c.Logger()
		if err != nil {
			return err
		}
		defer file.Close()
		keys, err := server.LoadKeys(c)
		if err != nil {
			return usageError{err}
		}
		defer serveSignals(file, keys, log)()
		for _, w := range warnings {
			log.Warn(w)
		}
		return serve(cmd.Context(), c, keys, log)
	}
	return cmd
}

func serve(ctx context.Context, c *config.Config, keys *server.Keys, log *slog.Logger) error {
	return withServer(c, keys, log, func(s *server.Server, e *runtime.Engine) error {
		listener, err := s.Listen()
		if err != nil {
			return err
		}
		o := e.Options()
		log.Info("serving", "model", s.Facts().ModelPath, "address", "http://"+listener.Addr().String(), "threads", o.Threads,
			"parallel", o.Parallel, "context", e.Context())
		return s.Serve(ctx, listener)
	})
}

// withServer runs use with a server of the model that the settings name.
func withServer(c *config.Config, keys *server.Keys, log *slog.Logger, use func(*server.Server, *runtime.Engine) error) error {
	l, err := load(c, log)
	if err != nil {
		return err
	}
	defer l.Close()
	shape := l.model.Config()
	options := serverOptions(c, shape, log)
	if cores := tensor.DefaultThreads(); options.Threads > cores {
		log.Warn("more threads than cores that this process may use: they will wait for each other", "threads", options.Threads, "cores", cores)
	}
	// The workers keep every core busy. Threads of their own let the system
	// share the cores with those that answer, at once and not at the next step.
	goruntime.GOMAXPROCS(max(goruntime.GOMAXPROCS(0), options.Threads+2))
	options.Ledger = runtime.NewLedger(options.MemoryLimit)
	engine, err := runtime.New(l.model, l.tokenizer, options)
	if err != nil {
		return err
	}
	defer engine.Close()
	l.lock(c, log)
	for line := range strings.Lines(engine.Plan().String()) {
		log.Info("memory: " + strings.TrimSpace(line))
	}
	form, formErr := chatTemplate(l.tokenizer, c.ChatTemplate, !c.SteadyHeader)
	if formErr != nil {
		if c.ChatTemplate != "" {
			return formErr
		}
		log.Warn("the model cannot chat", "error", formErr)
	}
	return use(server.New(server.Options{Chat: form, ChatError: formErr,
		Engine: server.Runtime(engine), Tokenizer: l.tokenizer, Model: shape, ModelPath: l.file.Path(),
		Config: c, Keys: keys, Version: version, Log: log}), engine)
}

package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"cllm/config"
	"cllm/server"
)

// serveSignals makes the signals that come to a server for other reasons than
// to stop it do no harm, until stop is called: SIGHUP reloads what can be
// reloaded, the log file and the API keys; and a log whose reader is gone is no reason to end,
// as it is for a command whose output nobody wants.
func serveSignals(file *config.LogFile, keys *server.Keys, log *slog.Logger) (stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangup:
				if err := file.Reopen(); err != nil {
					log.Error("the log file cannot be opened anew", "error", err)
				} else {
					log.Info("hangup: the log file is opened anew")
				}
				if err := keys.Reload(); err != nil {
					log.Error("the API keys stay as they are", "error", err)
				} else if keys != nil {
					log.Info("hangup: the API keys are read again")
				}
			case <-ended:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(ended)
	}
}

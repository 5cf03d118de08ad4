package main

import (
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"strings"

	"github.com/spf13/cobra"

	"cllm/kernels"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version and the instruction sets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := new(strings.Builder)
			fmt.Fprintf(out, "cllm %s (%s, %s/%s)\n", version, goruntime.Version(), goruntime.GOOS, goruntime.GOARCH)
			chosen, err := kernels.Select("")
			if err == nil {
				why := "the best that this machine has"
				if os.Getenv("CLLM_KERNELS") != "" {
					why = "CLLM_KERNELS says so"
				}
				fmt.Fprintf(out, "kernels: %s (%s)\n", chosen.Name, why)
			}
			for _, k := range kernels.All() {
				state := "available"
				if k.Missing != "" {
					state = "not on this machine: it lacks " + k.Missing
				}
				fmt.Fprintf(out, "  %-8s %s\n", k.Name, state)
			}
			if _, e := io.WriteString(cmd.OutOrStdout(), out.String()); e != nil {
				return e
			}
			return err
		},
	}
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cllm/machine"
	"cllm/model"
	"cllm/runtime"
)

func newPlan() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show where the memory of a server would go",
		Long: "Show where the memory of a server would go, without loading the model. It takes every setting of serve, from the\n" +
			"same YAML file (-f), environment and flags. It fails when the memory does not do.",
		Args: cobra.NoArgs,
	}
	s := addAllSettings(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, warnings, err := s.load()
		if err != nil {
			return err
		}
		log := commandLog(cmd)
		for _, w := range warnings {
			log.Warn(w)
		}
		f, err := openModel(c)
		if err != nil {
			return err
		}
		defer f.Close()
		m, err := model.Load(f)
		if err != nil {
			return err
		}
		p, err := runtime.Plan(m.Config(), serverOptions(c, m.Config(), log), machine.ReadMemory())
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(cmd.OutOrStdout(), map[string]any{
				"weights_bytes": p.Weights, "kv_bytes": p.KV, "scratch_bytes": p.Scratch, "request_bytes": p.Requests, "margin_bytes": p.Margin,
				"total_bytes": p.Total, "limit_bytes": p.Limit, "limit_source": p.Source,
				"kv_blocks": p.Blocks, "kv_block_bytes": p.BlockBytes, "kv_block_tokens": p.BlockTokens,
				"kv_type": p.KVFormat, "context": p.Context, "parallel": p.Parallel,
			})
		}
		_, err = fmt.Fprint(cmd.OutOrStdout(), p)
		return err
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, in bytes")
	return cmd
}

package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"cllm/tokenizer"
)

func newTokenize() *cobra.Command {
	var s *settings
	var file string
	var asJSON, special bool
	cmd := &cobra.Command{
		Use:   "tokenize [TEXT]",
		Short: "Show the tokens of a text",
		Long:  "Show the tokens of a text: the argument, a file (-f) or standard input.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var arg *string
			if len(args) > 0 {
				arg = &args[0]
			}
			text, err := inputText(cmd, arg, file)
			if err != nil {
				return err
			}
			c, _, err := s.load()
			if err != nil {
				return err
			}
			f, err := openModel(c)
			if err != nil {
				return err
			}
			defer f.Close()
			t, err := tokenizer.New(f)
			if err != nil {
				return err
			}
			ids := t.Encode([]int32{}, text, special)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), map[string]any{"tokens": ids})
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			for _, id := range ids {
				fmt.Fprintf(out, "%6d  %q\n", id, t.Decode([]int32{id}, true))
			}
			return out.Flush()
		},
	}
	s = addSettings(cmd.Flags(), modelSettings...)
	cmd.Flags().StringVarP(&file, "file", "f", "", "file with the text")
	cmd.Flags().BoolVar(&special, "special", false, "parse special tokens in the text")
	cmd.Flags().BoolVar(&asJSON, "json", false, `print {"tokens":[ids]}`)
	return cmd
}

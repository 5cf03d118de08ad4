package main

import "github.com/spf13/cobra"

func newInspect() *cobra.Command {
	var s *settings
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "inspect [FILE]",
		Short: "Show the metadata and tensors of a GGUF file",
		Long:  "Show the metadata and tensors of a GGUF file; without one, of the built-in demo model.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if cmd.Flags().Changed("model") {
					return usage("the file is given twice: by itself and by --model")
				}
				if err := cmd.Flags().Set("model", args[0]); err != nil {
					return usageError{err}
				}
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
			if asJSON {
				return f.WriteJSON(cmd.OutOrStdout())
			}
			return f.WriteText(cmd.OutOrStdout(), verbose)
		},
	}
	s = addSettings(cmd.Flags(), modelSettings...)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show long arrays and texts whole")
	return cmd
}

// Command arm_cycles calls one product of one implementation once, so that
// arm_cycles.py can trace it under an emulator.
package main

import (
	"fmt"
	"os"
	"strconv"

	"cllm/kernels"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "arm_cycles:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("usage: arm_cycles IMPLEMENTATION FORMAT ROWS COLUMNS K")
	}
	impl, err := kernels.Select(args[0])
	if err != nil {
		return err
	}
	var n [3]int
	for i := range n {
		if n[i], err = strconv.Atoi(args[2+i]); err != nil {
			return err
		}
	}
	rows, columns, k := n[0], n[1], n[2]
	for f, info := range kernels.Formats {
		if info.Name == args[1] {
			a := kernels.NewActs(info.Act, columns, k)
			w := make([]byte, rows*k/info.BlockLen*info.Bytes)
			impl.Mul[f](make([]float32, rows*columns), rows, w, rows, a, kernels.NewScratch(k))
			return nil
		}
	}
	return fmt.Errorf("no format %q", args[1])
}

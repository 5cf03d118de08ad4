package kernels

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// EnvKernels is the environment variable that names the implementation to use.
const EnvKernels = "CLLM_KERNELS"

// generic is the definition: plain Go for every field.
func generic() *Impl {
	k := &Impl{
		Name:     "generic",
		Quantize: [NumActKinds]QuantizeFunc{Act32: quantizeAct32, Act256: quantizeAct256},
		RMSNorm:  rmsNorm,
		Rope:     rope,
		SiLUMul:  siluMul,
		Add:      add,
		Max:      maximum,
		StoreKV:  [NumKVFormats]func([]byte, int, []float32, []float32){KVF16: storeF16, KVF32: storeF32, KVQ8: storeQ8},
		Attend:   [NumKVFormats]AttendFunc{KVF16: attendF16, KVF32: attendF32, KVQ8: attendQ8},
	}
	for f := range Formats {
		k.Mul[f] = Formats[f].mul
	}
	return k
}

// registry is built once: generic, then the architecture's implementations.
var registry = sync.OnceValue(func() []*Impl {
	g := generic()
	all := []*Impl{g}
	for _, k := range archImpls() {
		k.fill(g)
		all = append(all, k)
	}
	return all
})

// fill sets the nil fields of k to those of g.
func (k *Impl) fill(g *Impl) {
	for i := range k.Mul {
		if k.Mul[i] == nil {
			k.Mul[i] = g.Mul[i]
		}
	}
	for i := range k.Quantize {
		if k.Quantize[i] == nil {
			k.Quantize[i] = g.Quantize[i]
		}
	}
	for i := range k.StoreKV {
		if k.StoreKV[i] == nil {
			k.StoreKV[i] = g.StoreKV[i]
		}
		if k.Attend[i] == nil {
			k.Attend[i] = g.Attend[i]
		}
	}
	if k.RMSNorm == nil {
		k.RMSNorm = g.RMSNorm
	}
	if k.Rope == nil {
		k.Rope = g.Rope
	}
	if k.SiLUMul == nil {
		k.SiLUMul = g.SiLUMul
	}
	if k.Add == nil {
		k.Add = g.Add
	}
	if k.Max == nil {
		k.Max = g.Max
	}
}

// All returns the implementations of this architecture, generic first, with
// those that this machine cannot run (Missing is set). They are not to be
// changed.
func All() []*Impl { return registry() }

// Select returns the implementation called name. An empty name means the one
// that the environment variable CLLM_KERNELS names, or else the best available.
func Select(name string) (*Impl, error) {
	from := "kernels"
	if name == "" {
		var given bool
		from = EnvKernels
		if name, given = os.LookupEnv(EnvKernels); given && name == "" {
			return nil, fmt.Errorf("%s is empty: give a name, or leave it out for the best", EnvKernels)
		}
	}
	var best *Impl
	var names []string
	for _, k := range All() {
		if name != "" && k.Name == name {
			if k.Missing != "" {
				return nil, fmt.Errorf("%s=%s: this CPU lacks %s", from, name, k.Missing)
			}
			return k, nil
		}
		if k.Missing != "" {
			names = append(names, fmt.Sprintf("%s (this CPU lacks %s)", k.Name, k.Missing))
			continue
		}
		names = append(names, k.Name)
		if best == nil || k.Rank > best.Rank {
			best = k
		}
	}
	if name != "" {
		return nil, fmt.Errorf("%s=%s: no such implementation; there are %s", from, name, strings.Join(names, ", "))
	}
	return best, nil
}

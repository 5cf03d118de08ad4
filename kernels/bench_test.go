package kernels

import (
	"fmt"
	"slices"
	"testing"
)

func benchImpls(b *testing.B, bench func(b *testing.B, k *Impl)) {
	for _, k := range available() {
		b.Run(k.Name, func(b *testing.B) { bench(b, k) })
	}
}

// BenchmarkMul is, for every format, decode (one column; bytes are those of the
// weights, more than a core's caches hold) and tiles of many columns.
func BenchmarkMul(b *testing.B) {
	const k = 1024
	benchImpls(b, func(b *testing.B, impl *Impl) {
		for f := range NumFormats {
			rowBytes := k / Formats[f].BlockLen * Formats[f].Bytes
			for _, columns := range []int{1, 8, 64, 512} {
				name, rows := fmt.Sprintf("%s/columns=%d", f, columns), 256
				if columns == 1 {
					name, rows = f.String()+"/decode", 16<<20/rowBytes
				}
				b.Run(name, func(b *testing.B) {
					r := newRand(1)
					w := make([]byte, rows*rowBytes)
					plain.weights(r, f, w[:256*rowBytes])
					for i := 256 * rowBytes; i < len(w); i *= 2 {
						copy(w[i:], w[:i])
					}
					a := plain.acts(b, r, Formats[f].Act, columns, k)
					y, scratch := make([]float32, rows*columns), NewScratch(k)
					if columns == 1 {
						b.SetBytes(int64(len(w)))
					}
					for b.Loop() {
						impl.Mul[f](y, rows, w, rows, a, scratch)
					}
					b.ReportMetric(float64(rows)*float64(columns)*k*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
				})
			}
		}
	})
}

func BenchmarkQuantize(b *testing.B) {
	const k = 4864
	benchImpls(b, func(b *testing.B, impl *Impl) {
		for kind, name := range map[ActKind]string{Act32: "Act32", Act256: "Act256"} {
			b.Run(name, func(b *testing.B) {
				a, x := NewActs(kind, 1, k), plain.floats(newRand(1), make([]float32, k))
				b.SetBytes(4 * k)
				for b.Loop() {
					impl.Quantize[kind](a, 0, x)
				}
			})
		}
	})
}

// BenchmarkAttend is one block of the cache for the 7 heads of a group: one
// token of each (decode) or 32 (a chunk of a prompt). Bytes are the block's.
func BenchmarkAttend(b *testing.B) {
	benchImpls(b, func(b *testing.B, impl *Impl) {
		for f := range NumKVFormats {
			for _, head := range []int{64, 128} {
				for _, n := range []int{1, 7, 7 * 32} {
					b.Run(fmt.Sprintf("%s/head=%d/queries=%d", kvFormats[f], head, n), func(b *testing.B) {
						// Not on guarded memory: masked loads beside a page that faults are slow.
						a, random := NewAttention(n, head), randomAttention(b, 1, n, head)
						copy(a.Q, random.Q)
						a.QQ, a.QD = slices.Clone(random.QQ), slices.Clone(random.QD)
						block, visible := make([]byte, KVBlockBytes(f, head)), make([]Range, n)
						x := plain.floats(newRand(1), make([]float32, head))
						for slot := range BlockTokens {
							impl.StoreKV[f](block, slot, x, x)
						}
						for i := range visible {
							visible[i] = Range{0, BlockTokens}
						}
						b.SetBytes(int64(len(block)))
						for b.Loop() {
							impl.Attend[f](a, block, visible)
						}
						b.ReportMetric(2*float64(n*head*BlockTokens)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
					})
				}
			}
		}
	})
}

func BenchmarkStoreKV(b *testing.B) {
	const head = 128
	benchImpls(b, func(b *testing.B, impl *Impl) {
		for f := range NumKVFormats {
			b.Run(kvFormats[f], func(b *testing.B) {
				x, block := plain.floats(newRand(1), make([]float32, head)), make([]byte, KVBlockBytes(f, head))
				for b.Loop() {
					impl.StoreKV[f](block, 5, x, x)
				}
			})
		}
	})
}

func BenchmarkElementwise(b *testing.B) {
	const n = 4864
	benchImpls(b, func(b *testing.B, impl *Impl) {
		r := newRand(1)
		x, y, z := plain.floats(r, make([]float32, n)), plain.floats(r, make([]float32, n)), make([]float32, n)
		cos, sin := plain.floats(r, make([]float32, 64)), plain.floats(r, make([]float32, 64))
		clear(cos[1:])
		clear(sin)
		for name, run := range map[string]func(){
			"RMSNorm": func() { impl.RMSNorm(z, x, y, 1e-6) },
			"SiLUMul": func() { impl.SiLUMul(z, x, y) },
			"Add":     func() { impl.Add(z, x) },
			"Max":     func() { impl.Max(x) },
			"Rope":    func() { impl.Rope(y[:128], cos, sin) },
		} {
			b.Run(name, func(b *testing.B) {
				if name != "Rope" {
					b.SetBytes(4 * n)
				}
				for b.Loop() {
					run()
				}
			})
		}
	})
}

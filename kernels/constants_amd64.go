//go:build !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

// Constants of several levels.
var (
	// expConst are the constants of exp32 in the order of its operations.
	expConst = [...]float32{
		-87, 88, 1.44269504, 0x1.8p23, -0.693359375, 2.12194440e-4,
		1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
		1,
	}
	// iota32 are the positions of a block.
	iota32 = func() (t [BlockTokens]uint32) {
		for i := range t {
			t[i] = uint32(i)
		}
		return t
	}()
	// splat holds bytes to broadcast: low nibble, 128-16, 16, 128,
	// 0x30, 3, 4, 32.
	splat = [...]uint32{0x0f0f0f0f, 0x70707070, 0x10101010, 0x80808080, 0x30303030, 0x03030303, 0x04040404, 0x20202020}
)

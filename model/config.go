package model

import (
	"errors"
	"fmt"
	"strings"

	"cllm/gguf"
)

// Config is the shape of a dense transformer, as its file states it.
type Config struct {
	Arch, Name string
	Layers     int
	Hidden     int // width of the residual stream
	Heads      int // query heads
	KVHeads    int // key and value heads; a divisor of Heads
	HeadDim    int // size of one head
	FFN        int // width of the feed-forward network
	Vocab      int // rows of the token embedding
	Context    int // positions that the model was made for
	RMSEps     float32
	RopeTheta  float64
	RopeDims   int // leading dimensions of a head that are rotated
	RopeScale  RopeScaling
	QKNorm     bool // q and k heads are normalised
	QKVBias    bool
	Tied       bool // the token embedding is the output head

	FileType    string // the mix of types that the file states, as "Q4_K_M"
	Params      int64
	WeightBytes int64 // of all tensors
}

// Bounds of what a file may state. They are far above any model of these
// architectures and keep every product of sizes within an int.
const (
	maxLayers  = 1 << 12
	maxWidth   = 1 << 20
	maxHeads   = 1 << 12
	maxHeadDim = 1 << 10
	maxContext = 1 << 24
)

// metadata reads the keys of one architecture and gathers what is wrong with
// them, so that one error can name it all.
type metadata struct {
	file    *gguf.File
	arch    string
	missing []string
	errs    []error
}

func readConfig(f *gguf.File, arch string) (Config, error) {
	d := &metadata{file: f, arch: arch}
	c := Config{Arch: arch, FileType: f.FileType()}
	c.Name, _ = f.String("general.name")

	c.Layers = d.int("block_count", 0, maxLayers)
	c.Hidden = d.int("embedding_length", 0, maxWidth)
	c.FFN = d.int("feed_forward_length", 0, maxWidth)
	c.Context = d.int("context_length", 0, maxContext)
	c.Heads = d.int("attention.head_count", 0, maxHeads)
	c.KVHeads = d.int("attention.head_count_kv", c.Heads, maxHeads)
	c.RMSEps = float32(d.float("attention.layer_norm_rms_epsilon", 0))
	if err := d.err(); err != nil {
		return c, err
	}

	if c.Heads%c.KVHeads != 0 {
		return c, d.errorf("attention.head_count", "%d query heads do not divide among %d key/value heads", c.Heads, c.KVHeads)
	}
	even := 0
	if c.Hidden%c.Heads == 0 {
		even = c.Hidden / c.Heads
	}
	c.HeadDim = d.int("attention.key_length", even, maxHeadDim)
	value := d.int("attention.value_length", c.HeadDim, maxHeadDim)
	c.RopeDims = d.int("rope.dimension_count", c.HeadDim, maxHeadDim)
	c.RopeTheta = d.float("rope.freq_base", 10000)
	c.RopeScale = readRopeScaling(d, c.Context)
	if err := d.err(); err != nil {
		return c, err
	}
	switch {
	case c.HeadDim%32 != 0:
		return c, d.errorf("attention.key_length", "the head size is %d, supported are multiples of 32", c.HeadDim)
	case value != c.HeadDim:
		return c, d.errorf("attention.value_length", "values of %d and keys of %d are not supported together", value, c.HeadDim)
	case c.RopeDims%2 != 0 || c.RopeDims > c.HeadDim:
		return c, d.errorf("rope.dimension_count", "%d dimensions cannot be rotated in a head of %d", c.RopeDims, c.HeadDim)
	}
	return c, nil
}

func (d *metadata) key(name string) string { return d.arch + "." + name }

func (d *metadata) errorf(key, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{d.key(key)}, args...)...)
}

// fail notes the error of a getter. It reports whether the key is merely
// absent and may be.
func (d *metadata) fail(key string, err error, optional bool) (absent bool) {
	switch {
	case !errors.Is(err, gguf.ErrMissing):
		d.errs = append(d.errs, err)
	case !optional:
		d.missing = append(d.missing, d.key(key))
	default:
		return true
	}
	return false
}

// int reads a size in [1, most]. The default stands in for an absent key,
// unless it is 0.
func (d *metadata) int(key string, absent, most int) int {
	v, err := d.file.Uint(d.key(key))
	if err != nil {
		if d.fail(key, err, absent > 0) {
			return absent
		}
		return 1 // so that the checks go on
	}
	if v < 1 || v > uint64(most) {
		d.errs = append(d.errs, d.errorf(key, "%d is outside [1, %d]", v, most))
		return 1
	}
	return int(v)
}

// float reads a positive number. The default stands in for an absent key,
// unless it is 0.
func (d *metadata) float(key string, absent float64) float64 {
	v, err := d.file.Float(d.key(key))
	if err != nil {
		if d.fail(key, err, absent > 0) {
			return absent
		}
		return 1
	}
	if !(v > 0 && v < 1e30) {
		d.errs = append(d.errs, d.errorf(key, "%g is not a positive number", v))
		return 1
	}
	return v
}

func (d *metadata) err() error {
	errs := d.errs
	if len(d.missing) > 0 {
		errs = append(errs, fmt.Errorf("the file lacks the metadata keys %s", strings.Join(d.missing, ", ")))
	}
	return errors.Join(errs...)
}

package model

import "math"

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
	Tied       bool // the token embedding is the output head

	FileType    string // the mix of types that the file states, as "Q4_K_M"
	Params      int64
	WeightBytes int64 // of all tensors

	queryScale float64 // of queries before attention
	angles     int     // of one position: half of what each rotation rotates
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

// dense is the shape of a dense transformer whose layers are all alike.
func dense(d *metadata) (Config, error) {
	c := Config{Arch: d.arch, FileType: d.file.FileType()}
	c.Name, _ = d.file.String("general.name")

	c.Layers = d.int("block_count", 0, maxLayers)
	d.layers = c.Layers
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
	c.queryScale = 1 / math.Sqrt(float64(c.HeadDim))
	return c, nil
}

package main

// peak is what the machine can do with a level's instructions: loops of its
// products alone, on registers, and of its widest loads alone. A level without is
// plain Go.
type peak struct {
	product, float         string // the instructions
	products, floats       func(turns int)
	productMACs, floatMACs int                  // of a turn
	read                   func(p *byte, n int) // n bytes, a multiple of 512
}

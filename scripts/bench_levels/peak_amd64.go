package main

var peaks = map[string]peak{
	"avx2":    {"VPMADDUBSW, VPADDW", "VFMADD231PS", productsAVX2, floatsAVX2, 12 * 32, 12 * 8, readAVX2},
	"avxvnni": {"VPDPBUSD", "VFMADD231PS", productsAVXVNNI, floatsAVX2, 12 * 32, 12 * 8, readAVX2},
	"avx512":  {"VPDPBUSD", "VFMADD231PS", productsAVX512, floatsAVX512, 24 * 64, 24 * 16, readAVX512},
}

//go:noescape
func productsAVX2(turns int)

//go:noescape
func productsAVXVNNI(turns int)

//go:noescape
func productsAVX512(turns int)

//go:noescape
func floatsAVX2(turns int)

//go:noescape
func floatsAVX512(turns int)

//go:noescape
func readAVX2(p *byte, n int)

//go:noescape
func readAVX512(p *byte, n int)

package main

var peaks = map[string]peak{
	"neon":    {"SMLAL", "FMLA", productsNeon, floatsNeon, 24 * 8, 24 * 4, readNeon},
	"dotprod": {"SDOT", "FMLA", productsDotprod, floatsNeon, 24 * 16, 24 * 4, readNeon},
	"i8mm":    {"SMMLA", "FMLA", productsI8mm, floatsNeon, 24 * 32, 24 * 4, readNeon},
}

//go:noescape
func productsNeon(turns int)

//go:noescape
func productsDotprod(turns int)

//go:noescape
func productsI8mm(turns int)

//go:noescape
func floatsNeon(turns int)

//go:noescape
func readNeon(p *byte, n int)

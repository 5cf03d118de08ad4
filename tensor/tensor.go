// Package tensor ties the bytes of a model file to the kernels that compute
// with them: matrices as views on the mapping, and a pool of workers that run
// one forward step together.
package tensor

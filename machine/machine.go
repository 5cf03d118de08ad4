// Package machine says what this process can have of the machine: processors
// and memory, as its control groups, its affinity and its neighbours leave
// them.
package machine

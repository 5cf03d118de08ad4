package machine

// Memory is the memory that a process can have, in bytes; 0 where it is not
// known.
type Memory struct {
	Total     int64 // of the machine
	Available int64 // of these, neither used nor needed by others

	// Of the control groups of this process, the one that leaves it the least:
	// its limit, and what other processes hold of that.
	GroupLimit  int64
	GroupOthers int64
}

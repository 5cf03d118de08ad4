package machine

import (
	"io/fs"
	"os"
	"strings"
)

// ReadMemory reads the memory of the machine, and the limits of the control
// groups (v1 and v2, parents included) that this process is in.
func ReadMemory() Memory { return readMemory(os.DirFS("/")) }

func readMemory(root fs.FS) Memory {
	var m Memory
	info, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(info)) {
		f := strings.Fields(line) // MemTotal: 123 kB
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "MemTotal:":
			m.Total = count(f[1]) << 10
		case "MemAvailable:":
			m.Available = count(f[1]) << 10
		}
	}
	own := anonymous(root)
	for _, g := range groups(root, "memory") {
		limit := g.memoryLimit()
		if limit == 0 {
			continue
		}
		others := min(max(g.memoryHeld()-own, 0), limit)
		if m.GroupLimit == 0 || limit-others < m.GroupLimit-m.GroupOthers {
			m.GroupLimit, m.GroupOthers = limit, others
		}
	}
	return m
}

// memoryLimit is what the processes of the group can hold before they are
// killed (memory.max) or slowed until they give some back (memory.high); 0
// without a limit.
func (g group) memoryLimit() int64 {
	if g.v2 {
		return lesser(g.number("memory.max"), g.number("memory.high"))
	}
	// The second counts parents that cannot be seen from inside a container.
	return lesser(g.number("memory.limit_in_bytes"), g.table("memory.stat")["hierarchical_memory_limit"])
}

// memoryHeld is what the processes of the group hold and the system cannot
// take back: what it charges them, without the page cache of files (the
// mapped weights among them), in the manner of MemAvailable.
func (g group) memoryHeld() int64 {
	stat := g.table("memory.stat")
	if g.v2 {
		return g.number("memory.current") - stat["active_file"] - stat["inactive_file"] - stat["slab_reclaimable"]
	}
	return g.number("memory.usage_in_bytes") - stat["total_active_file"] - stat["total_inactive_file"]
}

// lesser is the smaller of two limits, 0 meaning none.
func lesser(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// anonymous is the memory of this process that is of no file.
func anonymous(root fs.FS) int64 {
	data, _ := fs.ReadFile(root, "proc/self/statm")
	f := strings.Fields(string(data)) // in pages: size, resident, of these shared, …
	if len(f) < 3 {
		return 0
	}
	return (count(f[1]) - count(f[2])) * int64(os.Getpagesize())
}

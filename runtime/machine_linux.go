package runtime

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// ThisMachine reads the memory of the machine, and the limits of the control
// groups (v1 and v2, parents included) that this process is in.
func ThisMachine() Machine { return readMachine(os.DirFS("/")) }

func readMachine(root fs.FS) Machine {
	var m Machine
	info, _ := fs.ReadFile(root, "proc/meminfo")
	for s := bufio.NewScanner(bytes.NewReader(info)); s.Scan(); {
		f := strings.Fields(s.Text()) // MemTotal: 123 kB
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			m.Total = n * 1024
		case "MemAvailable:":
			m.Available = n * 1024
		}
	}
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for s := bufio.NewScanner(bytes.NewReader(groups)); s.Scan(); {
		f := strings.SplitN(s.Text(), ":", 3) // id:controllers:path, "0::path" in v2
		if len(f) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		switch {
		case strings.Contains(","+f[1]+",", ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case f[1] != "":
			continue
		}
		// Inside a container the path is the host's, and its limit is that of
		// the mount's root: the last that this loop looks at.
		for dir := path.Join("/", f[2]); ; dir = path.Dir(dir) {
			m.limit(root, path.Join(mount, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return m
}

// limit takes the limit that a file of a control group holds, if it is lower.
func (m *Machine) limit(root fs.FS, file string) {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return
	}
	// "max" is no number; v1 says no limit with one near the greatest int64.
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err == nil && n > 0 && n < 1<<60 && (m.Cgroup == 0 || n < m.Cgroup) {
		m.Cgroup = n
	}
}

package machine

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// group is a control group that this process is in, as a folder of the file
// system.
type group struct {
	root fs.FS
	dir  string
	v2   bool
}

// groups lists the control groups of this process in the hierarchies that have
// the controller: for each its own, its parent, and so on to the topmost that
// can be seen. There may be one of v1 and one of v2 (systemd's hybrid layout).
// The file system root is the machine's.
func groups(root fs.FS, controller string) []group {
	var all []group
	mounts := cgroupMounts(root)
	memberships, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range bytes.Lines(memberships) {
		// hierarchy:controllers:path, "0::path" in v2
		f := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		v2 := f[0] == "0" && f[1] == ""
		if !v2 && !slices.Contains(strings.Split(f[1], ","), controller) {
			continue
		}
		for _, m := range mounts {
			if m.v2 != v2 || !v2 && !slices.Contains(m.controllers, controller) {
				continue
			}
			for dir := m.below(f[2]); ; dir = path.Dir(dir) {
				all = append(all, group{root, strings.TrimPrefix(path.Join(m.point, dir), "/"), v2})
				if dir == "/" {
					break
				}
			}
		}
	}
	return all
}

// mount is a place where a hierarchy of control groups is mounted.
type mount struct {
	point       string
	group       string // at the root of the mount: not "/" in a container without a namespace
	v2          bool
	controllers []string // of v1
}

func cgroupMounts(root fs.FS) []mount {
	var mounts []mount
	info, _ := fs.ReadFile(root, "proc/self/mountinfo")
	for s := bufio.NewScanner(bytes.NewReader(info)); s.Scan(); {
		// id parent major:minor root point options… - type source options
		left, right, _ := strings.Cut(s.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if len(l) < 5 || len(r) < 3 || r[0] != "cgroup" && r[0] != "cgroup2" {
			continue
		}
		mounts = append(mounts, mount{point: unescape(l[4]), group: unescape(l[3]), v2: r[0] == "cgroup2", controllers: strings.Split(r[2], ",")})
	}
	return mounts
}

// below is the place of a group under the mount; the mount's own group when
// the path is not under it, as in a container that sees the host's paths.
func (m mount) below(group string) string {
	if m.group == "/" {
		return path.Join("/", group)
	}
	if rest, ok := strings.CutPrefix(group, m.group); ok && (rest == "" || rest[0] == '/') {
		return path.Join("/", rest)
	}
	return "/"
}

// unescape undoes the octal escapes of blanks in mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// text is the content of a file of the group, "" without one.
func (g group) text(name string) string {
	data, _ := fs.ReadFile(g.root, path.Join(g.dir, name))
	return strings.TrimSpace(string(data))
}

// number is the count in a file of the group, 0 without one.
func (g group) number(name string) int64 { return count(g.text(name)) }

// count reads a number; "max", -1 and v1's number near the greatest int64,
// which mean no limit, are 0.
func count(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n >= 1<<60 {
		return 0
	}
	return n
}

// table reads a file of lines "name count".
func (g group) table(name string) map[string]int64 {
	t := map[string]int64{}
	for line := range strings.Lines(g.text(name)) {
		if f := strings.Fields(line); len(f) == 2 {
			t[f[0]] = count(f[1])
		}
	}
	return t
}

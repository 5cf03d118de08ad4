package kernels

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var wordMacro = regexp.MustCompile(`(?m)^// (.*)\n#define (\w+)\(([\w, ]+)\) WORD \$\((.*)\)$`)

// The words of neon_arm64.h are what GNU as makes of the line before each.
func TestEncodings(t *testing.T) {
	as, err := exec.LookPath("aarch64-linux-gnu-as")
	if err != nil {
		t.Skip("aarch64-linux-gnu-as (package binutils-aarch64-linux-gnu) is not installed")
	}
	header, err := os.ReadFile("neon_arm64.h")
	require.NoError(t, err)
	macros := wordMacro.FindAllStringSubmatch(string(header), -1)
	require.Equal(t, strings.Count(string(header), "#define"), len(macros), "a macro without its GNU form")

	var gnu strings.Builder
	var want []uint32
	var names []string
	for i, args := range [][4]int{{0, 1, 2, 3}, {1, 31, 0, 17}, {2, 15, 30, 8}, {3, 8, 21, 31}} {
		for _, m := range macros {
			form, expr := m[1], m[4]
			for _, param := range strings.Split(m[3], ", ") {
				var v int
				switch param {
				case "i":
					switch {
					case strings.Contains(form, ".h[{i}]"):
						v = i * 5 % 8
					case strings.Contains(form, ".s[{i}]"):
						v = i
					default: // a shift
						v = args[0] + 1
					}
				case "m":
					v = args[1]
					if strings.Contains(form, ".h[") { // the element's register has four bits
						v %= 16
					}
				case "n":
					v = args[2]
				case "d":
					v = args[3]
				default:
					require.Failf(t, "unknown parameter", "%s of %s", param, m[2])
				}
				expr = regexp.MustCompile(`\b`+param+`\b`).ReplaceAllString(expr, fmt.Sprint(v))
				form = strings.ReplaceAll(form, "{"+param+"}", fmt.Sprint(v))
			}
			tv, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr)
			require.NoError(t, err, m[2])
			word, ok := constant.Uint64Val(tv.Value)
			require.True(t, ok, m[2])
			fmt.Fprintln(&gnu, form)
			want = append(want, uint32(word))
			names = append(names, m[2]+": "+form)
		}
	}

	dir := t.TempDir()
	object, raw := filepath.Join(dir, "o"), filepath.Join(dir, "raw")
	cmd := exec.Command(as, "-march=armv8.6-a", "-o", object, "-")
	cmd.Stdin = strings.NewReader(gnu.String())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", object, raw).CombinedOutput()
	require.NoError(t, err, "%s", out)
	code, err := os.ReadFile(raw)
	require.NoError(t, err)
	require.Len(t, code, 4*len(want))
	for i, w := range want {
		got := uint32(code[4*i]) | uint32(code[4*i+1])<<8 | uint32(code[4*i+2])<<16 | uint32(code[4*i+3])<<24
		require.Equal(t, fmt.Sprintf("%08x", got), fmt.Sprintf("%08x", w), names[i])
	}
}

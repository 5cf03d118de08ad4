package kernels

import (
	"encoding/binary"
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
			form, values := m[1], map[string]int{}
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
				values[param] = v
				form = strings.ReplaceAll(form, "{"+param+"}", fmt.Sprint(v))
			}
			fmt.Fprintln(&gnu, form)
			want = append(want, uint32(evaluate(t, m[4], values)))
			names = append(names, m[2]+": "+form)
		}
	}

	code := assemble(t, as, "aarch64-linux-gnu-objcopy", "-march=armv8.6-a", gnu.String())
	require.Len(t, code, 4*len(want))
	for i, w := range want {
		got := uint32(code[4*i]) | uint32(code[4*i+1])<<8 | uint32(code[4*i+2])<<16 | uint32(code[4*i+3])<<24
		require.Equal(t, fmt.Sprintf("%08x", got), fmt.Sprintf("%08x", w), names[i])
	}
}

// assemble is the machine code of GNU assembly.
func assemble(t *testing.T, as, objcopy, flag, text string) []byte {
	dir := t.TempDir()
	object, raw := filepath.Join(dir, "o"), filepath.Join(dir, "raw")
	cmd := exec.Command(as, flag, "-o", object, "-")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(objcopy, "-O", "binary", "-j", ".text", object, raw).CombinedOutput()
	require.NoError(t, err, "%s", out)
	code, err := os.ReadFile(raw)
	require.NoError(t, err)
	return code
}

// evaluate is the value of an assembler's expression with the values of its
// parameters.
func evaluate(t *testing.T, expr string, values map[string]int) uint64 {
	for param, v := range values {
		expr = regexp.MustCompile(`\b`+param+`\b`).ReplaceAllString(expr, fmt.Sprint(v))
	}
	tv, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expr)
	require.NoError(t, err, expr)
	v, ok := constant.Uint64Val(tv.Value)
	require.True(t, ok, expr)
	return v
}

var byteMacro = regexp.MustCompile(`(?m)^// (.*)\n#define (\w+)\(([\w, ]+)\) (BYTE .*)$`)

// The bytes of avxvnni_amd64.h are what GNU as makes of the line before each.
func TestEncodingsVNNI(t *testing.T) {
	as, err := exec.LookPath("x86_64-linux-gnu-as")
	if err != nil {
		t.Skip("x86_64-linux-gnu-as (package binutils-x86-64-linux-gnu) is not installed")
	}
	header, err := os.ReadFile("avxvnni_amd64.h")
	require.NoError(t, err)
	macros := byteMacro.FindAllStringSubmatch(string(header), -1)
	require.Equal(t, strings.Count(string(header), "#define"), len(macros), "a macro without its GNU form")
	for _, m := range macros {
		for _, values := range []map[string]int{
			{"m": 0, "n": 1, "d": 2, "i": 0}, {"m": 9, "n": 15, "d": 7, "i": 32},
			{"m": 7, "n": 8, "d": 15, "i": 1024}, {"m": 15, "n": 0, "d": 8, "i": 255},
		} {
			form := m[1]
			for param, v := range values {
				form = strings.ReplaceAll(form, "{"+param+"}", fmt.Sprint(v))
			}
			var got []byte
			for _, part := range strings.Split(m[4], "; ") {
				kind, expr, _ := strings.Cut(part, " $")
				v := evaluate(t, expr, values)
				switch kind {
				case "BYTE":
					require.Less(t, v, uint64(256), form)
					got = append(got, byte(v))
				case "LONG":
					got = binary.LittleEndian.AppendUint32(got, uint32(v))
				default:
					require.Failf(t, "unknown directive", "%s in %s", kind, m[2])
				}
			}
			want := assemble(t, as, "x86_64-linux-gnu-objcopy", "--64", form+"\n")
			require.Equal(t, fmt.Sprintf("%x", want), fmt.Sprintf("%x", got), form)
		}
	}
}

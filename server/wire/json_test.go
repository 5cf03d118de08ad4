package wire

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzAppendString(f *testing.F) {
	for _, text := range []string{"", "a\"b\\c\n\r\t\x00\x1f\x7f", "ä€😀\u2028\u2029\ufffd", "\xff\xe2\x82", "<&>", strings.Repeat("x", 300), "\xf0\x9f\x98"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := append(AppendString([]byte{'"'}, text), '"')
		require.Equal(t, got, append(AppendString([]byte{'"'}, []byte(text)), '"'))
		var back string
		require.NoError(t, json.Unmarshal(got, &back), "%s", got)
		want, err := AppendJSON(nil, text)
		require.NoError(t, err)
		var same string
		require.NoError(t, json.Unmarshal(want, &same))
		require.Equal(t, same, back, "as encoding/json reads its own")
		require.NotContains(t, string(got), "\n")
	})
}

func TestAppendFloat(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	values := []float32{0, 1, -1, 0.1, -11.265625, 1e-6, 9.9e-7, 1e-30, 1e20, 1e21, math.MaxFloat32, math.SmallestNonzeroFloat32}
	for range 2000 {
		values = append(values, math.Float32frombits(random.Uint32()))
	}
	for _, x := range values {
		got := AppendFloat(nil, x)
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			require.Equal(t, "null", string(got))
			continue
		}
		var back float32
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, x, back)
	}
}

func TestWrite(t *testing.T) {
	rec := httptest.NewRecorder()
	large := []byte(strings.Repeat("x", 3*maxWrite+1))
	require.NoError(t, Write(rec, 418, []byte("a"), nil, large, []byte("b")))
	require.Equal(t, 418, rec.Code)
	require.Equal(t, "a"+string(large)+"b", rec.Body.String())
	require.Equal(t, contentType, rec.Header().Get("Content-Type"))
	rec = httptest.NewRecorder()
	require.NoError(t, WriteJSON(rec, 200, map[string]any{"a": "<&>"}))
	require.Equal(t, "{\"a\":\"<&>\"}\n", rec.Body.String())
	require.Error(t, WriteJSON(rec, 200, math.NaN()))
}

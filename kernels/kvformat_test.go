package kernels

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKVFormatNames(t *testing.T) {
	for f := range NumKVFormats {
		got, err := ParseKVFormat(strings.ToUpper(f.String()))
		require.NoError(t, err)
		require.Equal(t, f, got)
		text, err := json.Marshal(f)
		require.NoError(t, err)
		require.Equal(t, `"`+f.String()+`"`, string(text))
	}
	for _, name := range []string{"q4_0", "", "format 3"} {
		_, err := ParseKVFormat(name)
		require.ErrorContains(t, err, "is none of f16, f32, q8_0")
	}
	require.Equal(t, "format 3", NumKVFormats.String())
}

package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is charged for an answer that grows is what it takes: its parts, and
// the piece that is encoded.
func TestGrowing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var g Growing
		var want []byte
		charged := int64(0)
		room := NewRoom(func(n int64) error { charged += n; return nil }, 0)
		for range 200 {
			piece := bytes.Repeat([]byte{byte('a' + random.IntN(26))}, random.IntN(2000))
			require.NoError(t, room.Grow(&g, func(dst []byte) []byte { return append(dst, piece...) }))
			want = append(want, piece...)
		}
		held := cap(room.encoded)
		for _, part := range g.Parts() {
			held += cap(part)
		}
		require.EqualValues(t, held, charged)
		require.Equal(t, len(want), g.Size())
		require.Equal(t, want, bytes.Join(g.Parts(), nil))
		require.Less(t, held, 2*len(want)+leastPart)
	}
}

func TestNoRoom(t *testing.T) {
	none := errors.New("no room")
	var g Growing
	room := NewRoom(func(int64) error { return none }, 0)
	require.ErrorIs(t, room.Grow(&g, func(dst []byte) []byte { return append(dst, "x"...) }), none)
	require.Zero(t, g.Size())
}

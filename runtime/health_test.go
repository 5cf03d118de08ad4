package runtime

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A request that fails alone says nothing of the engine's health.
func TestHealthIsNotARequests(t *testing.T) {
	r := newRig(t, 8, Options{})
	r.fake.broken = 22
	s := r.submit1(t, greedy([]int32{1, 22}, 5))
	r.run(t)
	_, err := s.Wait()
	require.ErrorIs(t, err, errBroken)
	require.NoError(t, r.Health())
}

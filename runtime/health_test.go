package runtime

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/model"
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

// What a server asks of an engine while it answers others never waits for a
// step, however long that takes.
func TestNothingWaitsForAStep(t *testing.T) {
	r := newRig(t, 8, Options{})
	inStep, goOn := make(chan struct{}), make(chan struct{})
	r.fake.trace = func(*model.Batch) {
		inStep <- struct{}{}
		<-goOn
	}
	r.start()
	first, err := r.Submit(t.Context(), greedy([]int32{1, 2}, 1))
	require.NoError(t, err)
	<-inStep
	there := func() int { return r.Stats().Running + r.Stats().Waiting }
	require.Equal(t, 1, there())
	require.NoError(t, r.Health())
	second, err := r.Submit(t.Context(), greedy([]int32{1, 2}, 1))
	require.NoError(t, err)
	require.Equal(t, 2, there())
	second.Close()
	close(goOn)
	go func() {
		for range inStep {
		}
	}()
	_, err = first.Wait()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	close(inStep)
}

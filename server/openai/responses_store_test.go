package openai

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/chat"
	"cllm/server/api"
)

// The store is bounded in number and bytes; what was not used for longest goes.
func TestResponseStore(t *testing.T) {
	var s responseStore
	caller := api.Caller{1}
	for n := range maxStored {
		s.put(&storedResponse{caller: caller, id: fmt.Sprint(n)})
	}
	require.NotNil(t, s.get(caller, "0"))
	require.Nil(t, s.get(api.Caller{2}, "0"))
	require.False(t, s.delete(api.Caller{2}, "0"))
	s.put(&storedResponse{caller: caller, id: "one more"})
	require.NotNil(t, s.get(caller, "0"), "it was used")
	require.Nil(t, s.get(caller, "1"))
	require.Equal(t, maxStored, s.used.Len())

	const quarter = StoredBytes / 4
	for n := range 6 {
		s.put(&storedResponse{caller: caller, id: fmt.Sprint("large", n), object: make([]byte, quarter/2),
			messages: []chat.Message{{Content: []string{string(make([]byte, quarter/2))}}}})
	}
	require.LessOrEqual(t, s.bytes, StoredBytes)
	require.Equal(t, 3, s.used.Len())
	require.Nil(t, s.get(caller, "large2"))
	require.NotNil(t, s.get(caller, "large3"))

	s.put(&storedResponse{caller: caller, id: "too large", object: make([]byte, StoredBytes+1)})
	require.Nil(t, s.get(caller, "too large"))
	require.Zero(t, s.bytes)
	require.Empty(t, s.byKey)
}

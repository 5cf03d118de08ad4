package openai

import (
	lists "container/list"
	"sync"

	"cllm/chat"
	"cllm/server/api"
)

// maxStored is the most responses that are stored.
const maxStored = 1000

// StoredBytes is the most memory of the stored responses. Those that were not
// used for longest go first.
const StoredBytes = 16 << 20

// storedResponse is a response that can be asked for again, and continued.
type storedResponse struct {
	caller   api.Caller // whose it is; nobody else finds it
	id       string
	object   []byte         // as it was answered
	messages []chat.Message // of the whole conversation, without instructions
	bytes    int
}

type storedKey struct {
	caller api.Caller
	id     string
}

// responseStore keeps responses in memory. It is safe for concurrent use.
type responseStore struct {
	mu    sync.Mutex
	byKey map[storedKey]*lists.Element
	used  lists.List // *storedResponse, the last used in front
	bytes int
}

func (s *responseStore) put(r *storedResponse) {
	r.bytes = len(r.object)
	for i := range r.messages {
		r.bytes += messageBytes(&r.messages[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = map[storedKey]*lists.Element{}
	}
	s.byKey[storedKey{r.caller, r.id}] = s.used.PushFront(r)
	s.bytes += r.bytes
	for s.used.Len() > maxStored || s.bytes > StoredBytes {
		s.remove(s.used.Back())
	}
}

// get returns nil for a response that is not there, or somebody else's.
func (s *responseStore) get(caller api.Caller, id string) *storedResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byKey[storedKey{caller, id}]
	if e == nil {
		return nil
	}
	s.used.MoveToFront(e)
	return e.Value.(*storedResponse)
}

func (s *responseStore) delete(caller api.Caller, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byKey[storedKey{caller, id}]
	if e != nil {
		s.remove(e)
	}
	return e != nil
}

func (s *responseStore) remove(e *lists.Element) {
	r := s.used.Remove(e).(*storedResponse)
	delete(s.byKey, storedKey{r.caller, r.id})
	s.bytes -= r.bytes
}

// messageBytes is about what a message takes.
func messageBytes(m *chat.Message) int {
	n := 256 + len(m.Reasoning) + len(m.Name) + len(m.CallID)
	for _, text := range m.Content {
		n += 16 + len(text)
	}
	for _, c := range m.Calls {
		n += 64 + len(c.ID) + len(c.Name) + len(c.Arguments)
	}
	return n
}

package server

import "cllm/server/api"

// Health is the server's state. It is answered from counters alone, so that it
// does not wait for a step of the engine. A request that fails says nothing of
// it: only the engine knows whether it can still compute, and tries, when it is
// asked and nothing runs.
func (s *Server) Health() api.Health {
	e := s.options.Engine
	return api.Health{Fault: e.Health(), Draining: s.draining.Load(), Stats: e.Stats()}
}

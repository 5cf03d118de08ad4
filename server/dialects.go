package server

import (
	"cllm/server/api"
	"cllm/server/cllm"
	"cllm/server/openai"
)

// dialects are the ways to speak with the engine, one folder and one line
// each. The first answers for paths that are nobody's.
var dialects = []func(api.Server) *api.Dialect{
	cllm.New,
	openai.New,
}

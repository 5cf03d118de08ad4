module example.org/chat

go 1.26.0

require cllm v0.0.0

// Where cllm's source is.
replace cllm => ../..

# Everything that is done to this project is a target here.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS = -s -w -X main.version=$(VERSION)
GOBUILD = CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"
MODEL  ?=
FUZZ   ?= 20s
MODELS ?= $(or $(CLLM_TEST_MODELS),models)
STATICCHECK = v0.8.2
ifdef CLLM_TEST_MODELS # tests run in their packages' folders
export CLLM_TEST_MODELS := $(abspath $(CLLM_TEST_MODELS))
endif

.PHONY: build test race noasm levels other-systems lint models llamacpp-tests golden conformance fuzz cross bench-levels bench-peer bench-server-peer bench-dialects tools-peer agent-peer fidelity arm-cycles clean

build: ## a static bin/cllm
	$(GOBUILD) -o bin/cllm ./cmd/cllm

test: ## CLLM_TEST_MODELS names a folder of real models
	go test -timeout 30m ./...

race: ## all packages but the arithmetic, with the race detector and the engine's invariants
	CLLM_TEST_MODELS= CGO_ENABLED=1 go test -race -short -tags invariants $$(go list ./... | grep -v '/kernels$$')

noasm: ## the short suite on generic Go alone
	CLLM_TEST_MODELS= go test -tags noasm -short ./...

levels: ## the model's and the engine's tests, on every instruction set that this machine has
	@for level in $$(go run ./cmd/cllm version | awk '$$2 == "available" {print $$1}'); do \
	  echo "CLLM_KERNELS=$$level"; CLLM_KERNELS=$$level go test -timeout 60m ./model ./runtime || exit 1; \
	done

OTHERS = windows/amd64 darwin/arm64 linux/arm64
other-systems: ## vet, and the tests built, for systems that this one is not
	@for p in $(OTHERS); do \
	  echo "$$p"; export GOOS=$${p%/*} GOARCH=$${p#*/}; \
	  go vet ./... && go test -run '^$$' -exec true ./... >/dev/null || exit 1; \
	done

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go mod tidy -diff
	go vet -tags noasm ./...
	go vet -tags invariants ./...
	go run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) ./...

models: ## the real models, the demo models in every type, and Jinja2's renderings of public templates, for the tests that need them
	scripts/models.sh $(MODELS)
	scripts/test_models.py $(MODELS)
	scripts/peer.sh $(MODELS)/.llamacpp source
	scripts/record_templates.py $(MODELS) $(MODELS)/.llamacpp/src

llamacpp-tests: build ## llama.cpp's own tests of its server, against this one
	scripts/peer.sh $(MODELS)/.llamacpp source
	scripts/llamacpp_tests/run.sh $(MODELS)/.llamacpp/src

golden: models ## records llama.cpp's answers anew
	scripts/record_golden.py $(MODELS)

conformance: models ## the clients of OpenAI's API against the server
	scripts/conformance.sh $(MODELS)

fuzz: ## each fuzz target for FUZZ
	@go list ./... | while read -r pkg; do \
	  go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' | while read -r f; do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZ) "$$pkg" || exit 1; \
	  done || exit 1; \
	done

PLATFORMS = linux/amd64 linux/arm64 darwin/arm64 darwin/amd64 windows/amd64 windows/arm64
cross: ## binaries for all platforms
	@for p in $(PLATFORMS); do \
	  os=$${p%/*}; arch=$${p#*/}; ext=; [ $$os = windows ] && ext=.exe; \
	  echo "$$p"; GOOS=$$os GOARCH=$$arch $(GOBUILD) -o bin/cllm-$$os-$$arch$$ext ./cmd/cllm || exit 1; \
	done

bench-peer: build ## cllm bench against llama-bench: make bench-peer MODEL=file.gguf; LEVEL=avx2: both held to it
	LEVEL=$(LEVEL) scripts/bench-peer.sh $(MODEL)

bench-server-peer: build ## cllm serve against llama-server: make bench-server-peer MODEL=file.gguf; LEVEL=avx2
	LEVEL=$(LEVEL) scripts/bench-server-peer.sh $(MODEL)

bench-dialects: build ## chat completions against /generate_stream, on one server: make bench-dialects MODEL=file.gguf
	scripts/bench-dialects.sh $(MODEL)

tools-peer: build ## right tool calls of cllm serve beside llama-server: make tools-peer MODEL=file.gguf
	scripts/peer.sh $${PEER:-peer}
	scripts/tools_peer.py $(MODEL)

agent-peer: build ## tokens that an agent's turns compute, of cllm serve beside llama-server: make agent-peer MODEL=file.gguf
	scripts/peer.sh $${PEER:-peer}
	scripts/agent_peer.py $(MODEL)

bench-levels: ## the kernels of every level beside the machine's peak, as Markdown; THREADS=1
	go run ./scripts/bench_levels -t $(or $(THREADS),1)

fidelity: build ## KL divergence from the weights in F32, of every real model, beside llama.cpp; MODEL=file: of that one
	scripts/peer.sh $${PEER:-peer}
	scripts/fidelity.py $(or $(MODEL),$(filter-out $(MODELS)/demo-% %-shape-q4_k_m.gguf,$(wildcard $(MODELS)/*.gguf)))

arm-cycles: ## cycles of the arm64 kernels, estimated without the hardware; PEER=folder: llama.cpp's too
	scripts/arm_cycles/arm_cycles.py $(if $(PEER),--peer $(PEER))

clean:
	rm -rf bin

package cllm

import (
	"net/http"
	goruntime "runtime"
	"runtime/metrics"
	"strings"
	"time"

	"cllm/server/api"
)

// faulty is the answer of a server whose engine cannot compute; nil of one
// whose can.
func faulty(h api.Health) *api.Error {
	if h.Fault == nil {
		return nil
	}
	return &api.Error{Kind: api.Unavailable, Text: "the engine cannot compute", Advice: "the log says why; start the server again"}
}

// live says whether the process is worth keeping: a server that stops is.
func (d *dialect) live(w http.ResponseWriter, _ *http.Request) error {
	if e := faulty(d.Health()); e != nil {
		return e
	}
	return succeed(w, map[string]any{"status": "alive"})
}

// health says whether requests are answered.
func (d *dialect) health(w http.ResponseWriter, r *http.Request) error {
	level := r.URL.Query().Get("level")
	switch level {
	case "", "basic", "detailed", "full":
	default:
		return api.Refuse("level is %q, must be basic, detailed or full", level)
	}
	h := d.Health()
	if h.Draining {
		return api.Closing(nil)
	}
	if e := faulty(h); e != nil {
		return e
	}
	st, facts := h.Stats, d.Facts()
	data := map[string]any{
		"status": "healthy", "model_loaded": true,
		"running": st.Running, "waiting": st.Waiting,
		"kv_blocks": map[string]any{"total": st.Blocks, "used": st.Used, "cached": st.Cached, "free": st.Free},
	}
	if level == "detailed" || level == "full" {
		limits := facts.Limits
		data["components"] = map[string]any{
			"engine": map[string]any{"status": "healthy", "max_running": limits.Parallel, "max_waiting": limits.MaxWaiting},
			"model":  map[string]any{"status": "healthy", "name": facts.Model.Name, "path": facts.ModelPath},
			"kv_cache": map[string]any{"status": "healthy", "type": limits.KVFormat,
				"prefix_cache": !limits.NoPrefixCache},
		}
	}
	if level == "full" {
		memory := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
		metrics.Read(memory)
		data["metrics"] = map[string]any{
			"uptime_seconds": time.Since(facts.Started).Seconds(), "goroutines": goruntime.NumGoroutine(),
			"go_memory_bytes": memory[0].Value.Uint64(),
		}
		data["dependencies"] = map[string]any{"go": goruntime.Version(), "platform": goruntime.GOOS + "/" + goruntime.GOARCH}
	}
	return succeed(w, data)
}

func (d *dialect) modelInfo(w http.ResponseWriter, _ *http.Request) error {
	facts := d.Facts()
	c := facts.Model
	return succeed(w, map[string]any{
		"model_path": facts.ModelPath, "model_name": c.Name, "model_family": c.Arch, "model_type": c.Arch,
		"vocab_size": c.Vocab, "hidden_size": c.Hidden, "num_layers": c.Layers,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"max_sequence_length": facts.Context, "intermediate_size": c.FFN,
		"rope_theta": c.RopeTheta, "rms_norm_eps": c.RMSEps, "tie_word_embeddings": c.Tied,
		"parameters": c.Params, "weight_bytes": c.WeightBytes,
		"quantization": map[string]any{"enabled": quantized(c.FileType), "type": strings.ToLower(c.FileType)},
		"use_kv_cache": true, "kv_cache_type": facts.Limits.KVFormat,
	})
}

func quantized(fileType string) bool {
	switch strings.ToUpper(fileType) {
	case "F32", "F16", "BF16", "ALL_F32", "":
		return false
	}
	return true
}

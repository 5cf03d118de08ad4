package server

import (
	"net/http"
	goruntime "runtime"
	"runtime/metrics"
	"strings"
	"time"

	"cllm/runtime"
)

// health answers from counters alone, so that it does not wait for a step of
// the engine.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	level := r.URL.Query().Get("level")
	switch level {
	case "", "basic", "detailed", "full":
	default:
		s.fail(w, r, badRequest("level is %q, must be basic, detailed or full", level))
		return
	}
	if s.draining.Load() {
		s.fail(w, r, runtime.ErrDraining)
		return
	}
	st := s.Engine.Stats()
	data := map[string]any{
		"status": "healthy", "model_loaded": true,
		"running": st.Running, "waiting": st.Waiting,
		"kv_blocks": map[string]any{"total": st.Blocks, "used": st.Used, "cached": st.Cached, "free": st.Free},
	}
	if level == "detailed" || level == "full" {
		data["components"] = map[string]any{
			"engine":   map[string]any{"status": "healthy", "max_running": s.Config.Parallel, "max_waiting": s.Config.MaxWaiting},
			"model":    map[string]any{"status": "healthy", "name": s.Model.Name, "path": s.ModelPath},
			"kv_cache": map[string]any{"status": "healthy", "type": s.Config.KVType, "prefix_cache": s.Config.PrefixCache},
		}
	}
	if level == "full" {
		memory := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
		metrics.Read(memory)
		data["metrics"] = map[string]any{
			"uptime_seconds": time.Since(s.start).Seconds(), "goroutines": goruntime.NumGoroutine(),
			"go_memory_bytes": memory[0].Value.Uint64(),
		}
		data["dependencies"] = map[string]any{"go": goruntime.Version(), "platform": goruntime.GOOS + "/" + goruntime.GOARCH}
	}
	succeed(w, data)
}

func (s *Server) modelInfo(w http.ResponseWriter, _ *http.Request) {
	c := s.Model
	context := c.Context
	if s.Config.Context > 0 {
		context = min(context, s.Config.Context)
	}
	succeed(w, map[string]any{
		"model_path": s.ModelPath, "model_name": c.Name, "model_family": c.Arch, "model_type": c.Arch,
		"vocab_size": c.Vocab, "hidden_size": c.Hidden, "num_layers": c.Layers,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"max_sequence_length": context, "intermediate_size": c.FFN,
		"rope_theta": c.RopeTheta, "rms_norm_eps": c.RMSEps, "tie_word_embeddings": c.Tied,
		"parameters": c.Params, "weight_bytes": c.WeightBytes,
		"quantization": map[string]any{"enabled": quantized(c.FileType), "type": strings.ToLower(c.FileType)},
		"use_kv_cache": true, "kv_cache_type": s.Config.KVType,
	})
}

func quantized(fileType string) bool {
	switch strings.ToUpper(fileType) {
	case "F32", "F16", "BF16", "ALL_F32", "":
		return false
	}
	return true
}

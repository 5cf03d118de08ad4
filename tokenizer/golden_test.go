package tokenizer

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
)

// record is what llama.cpp answered; scripts/record_tokenizer.py says what each field is.
type record struct {
	Plain, Special [][]int32
	Planes         []string
	Long           map[string]long
	End, Control   []int32
	Pieces         string
	HF             *struct {
		Compared int
		Differ   map[int][]int32
	}
}

// long is the ids of a text by their number and their hash.
type long struct {
	Count int
	Hash  string
}

func readFile(t testing.TB, name string) []byte {
	f, err := os.Open("../testdata/tokenizer/" + name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

func readJSON(t testing.TB, name string, into any) {
	require.NoError(t, json.Unmarshal(readFile(t, name), into))
}

func hashIDs(ids []int32) string {
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, ids)
	return fmt.Sprintf("%016x", h.Sum64())
}

func TestGoldenDemo(t *testing.T) { testGolden(t, demo(t), "demo.json.gz") }

func TestGoldenQwen(t *testing.T) { testGolden(t, qwen(t), "qwen2.5.json.gz") }

func TestGoldenSmolLM2(t *testing.T) { testGolden(t, smolLM2(t), "smollm2.json.gz") }

// TestGoldenPreTokenizers has the demo vocabulary with each kind of pre-tokenizer.
func TestGoldenPreTokenizers(t *testing.T) {
	var texts [][]byte
	var records map[string]struct {
		Texts, Planes []string
		Long          map[string]long
	}
	readJSON(t, "texts.json.gz", &texts)
	readJSON(t, "pre.json.gz", &records)
	for _, p := range preKinds {
		t.Run(p.names[0], func(t *testing.T) {
			want, recorded := records[p.names[0]]
			require.True(t, recorded, "scripts/record_tokenizer.py does not list it")
			overrides, err := gguf.ParseOverrides(keyPre + "=str:" + p.names[0])
			require.NoError(t, err)
			tok, err := open(demoModel, overrides...)
			require.NoError(t, err)
			for i, hash := range want.Texts {
				var ids []int32
				some := texts[10*i : min(10*i+10, len(texts))]
				for _, text := range some {
					ids = tok.Encode(ids, string(text), false)
				}
				require.Equal(t, hash, hashIDs(ids), "%q", some)
			}
			testPlanes(t, tok, want.Planes)
			testLong(t, tok, want.Long)
		})
	}
}

func testPlanes(t *testing.T, tok *Tokenizer, want []string) {
	for i, hash := range want {
		if testing.Short() && i%16 != 0 {
			continue
		}
		require.Equal(t, hash, hashIDs(tok.Encode(nil, plane(rune(i)*4096), false)), "from U+%04X", i*4096)
	}
}

func testLong(t *testing.T, tok *Tokenizer, want map[string]long) {
	texts := longTexts()
	texts["prose"] = string(readFile(t, "prose.txt.gz"))
	for name, long := range want {
		ids := tok.Encode(nil, texts[name], false)
		require.Len(t, ids, long.Count, name)
		require.Equal(t, long.Hash, hashIDs(ids), name)
	}
}

func testGolden(t *testing.T, tok *Tokenizer, name string) {
	var texts [][]byte
	var want record
	readJSON(t, "texts.json.gz", &texts)
	readJSON(t, name, &want)
	require.GreaterOrEqual(t, len(texts), 2000)

	t.Run("texts", func(t *testing.T) {
		for i, text := range texts {
			special := want.Special[i]
			if special == nil {
				special = want.Plain[i]
			}
			require.Equal(t, want.Plain[i], append([]int32{}, tok.Encode(nil, string(text), false)...), "%q", text)
			require.Equal(t, special, append([]int32{}, tok.Encode(nil, string(text), true)...), "%q, special tokens parsed", text)
		}
	})
	t.Run("code points", func(t *testing.T) {
		testPlanes(t, tok, want.Planes)
	})
	t.Run("long", func(t *testing.T) {
		require.Len(t, want.Long, len(longTexts())+1)
		testLong(t, tok, want.Long)
	})
	t.Run("tokens", func(t *testing.T) {
		require.Equal(t, want.End, tok.EndTokens())
		var control []int32
		pieces := fnv.New64a()
		for id := range int32(tok.Size()) {
			if tok.Control(id) {
				control = append(control, id)
			}
			pieces.Write([]byte(tok.piece(id, true)))
		}
		require.Equal(t, want.Control, control)
		require.Equal(t, want.Pieces, fmt.Sprintf("%016x", pieces.Sum64()))
	})
	t.Run("Hugging Face", func(t *testing.T) {
		if want.HF == nil {
			t.Skip("this vocabulary was not compared")
		}
		require.GreaterOrEqual(t, want.HF.Compared, 1800)
		// llama.cpp, and so this package, takes </s> for a special token wherever it is found.
		for i := range want.HF.Differ {
			require.Contains(t, string(texts[i]), "</s>")
		}
	})
}

// plane has each of 4,096 code points between letters, beside a space and a digit, and before 'I,
// which only symbols break up.
func plane(start rune) string {
	var text []byte
	for c := start; c < start+4096; c++ {
		if c >= 0xD800 && c < 0xE000 {
			continue
		}
		text = append(utf8.AppendRune(append(text, 'a'), c), "b "...)
		text = append(utf8.AppendRune(utf8.AppendRune(text, c), c), "1\n"...)
		text = append(utf8.AppendRune(text, c), "'I\n"...)
	}
	return string(text)
}

// rng is the recorder's generator.
type rng uint64

func (r *rng) below(n uint64) uint64 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return uint64(*r) >> 33 % n
}

func longTexts() map[string]string {
	r := rng(1)
	words := []string{"the", "king", "Once", "don't", "12345", "天气", "été", "こんにちは", "x=y+1;", "😀", "\n\n", "    ",
		"Wissenschaftler", "!!!", "مرحبا", "\t"}
	var mixed, letters, ideographs strings.Builder
	for mixed.Len() < 1_000_000 {
		mixed.WriteString(words[r.below(uint64(len(words)))])
		if r.below(4) > 0 {
			mixed.WriteByte(' ')
		}
	}
	for range 1 << 18 {
		letters.WriteByte('a' + byte(r.below(26)))
	}
	for range 1 << 15 {
		ideographs.WriteRune(0x4E00 + rune(r.below(0x5000)))
	}
	return map[string]string{
		"mixed": mixed.String(), "letters": letters.String(), "ideographs": ideographs.String(),
		"same": strings.Repeat("a", 1<<18), "spaces": strings.Repeat(" ", 1<<18) + "x",
		"lines": strings.Repeat("\n", 1<<16), "marks": strings.Repeat("!?", 1<<16),
	}
}

package gguf_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
)

func TestOverrides(t *testing.T) {
	list, err := gguf.ParseOverrides(`n=int:-7,x=float:2.5e-3,"s=str:a=b:c,d"`, "", "yes=bool:true", "no=bool:false,new=str:")
	require.NoError(t, err)
	b := gguftest.New().Set("first", "kept").Set("n", "a string").Set("s", uint8(3)).Set("x", float32(1))
	for _, open := range []func() (*gguf.File, error){
		func() (*gguf.File, error) { return gguf.Open(b.Write(t, "m.gguf"), list...) },
		func() (*gguf.File, error) { return gguf.Parse("memory", b.Bytes(), list...) },
	} {
		f, err := open()
		require.NoError(t, err)
		require.Equal(t, []string{"first", "n", "s", "x", "yes", "no", "new"}, f.Keys())
		n, err := f.Int("n")
		require.NoError(t, err)
		require.EqualValues(t, -7, n)
		x, err := f.Float("x")
		require.NoError(t, err)
		require.Equal(t, 2.5e-3, x)
		for key, want := range map[string]bool{"yes": true, "no": false} {
			got, err := f.Bool(key)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		for key, want := range map[string]string{"first": "kept", "s": "a=b:c,d", "new": ""} {
			got, err := f.String(key)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		_, err = f.Strings("s")
		require.EqualError(t, err, f.Path()+": s as overridden is of type string, it must be []string")
		_, err = f.Uint("n")
		require.EqualError(t, err, f.Path()+": n as overridden is -7, it must be at least 0")
		var shown bytes.Buffer
		require.NoError(t, f.WriteText(&shown, true))
		require.Contains(t, shown.String(), "0.0025")
		require.NoError(t, f.WriteJSON(&shown))
		require.NoError(t, f.Close())
	}
}

func TestOverridesThatAreNone(t *testing.T) {
	for s, want := range map[string]string{
		"":             "KEY=TYPE:VALUE",
		"key":          "KEY=TYPE:VALUE",
		"key=int":      "KEY=TYPE:VALUE",
		"=int:1":       "KEY=TYPE:VALUE",
		"k=uint:1":     `"uint" is none of int, float, bool, str`,
		"k=int:1.0":    `"1.0" is no value of type int`,
		"k=int:":       `"" is no value of type int`,
		"k=float:fast": `"fast" is no value of type float`,
		"k=bool:1":     `"1" is no value of type bool`,
	} {
		_, err := gguf.ParseOverride(s)
		require.ErrorContains(t, err, want)
	}
	_, err := gguf.ParseOverrides("k=int:1", "k=int:2")
	require.ErrorContains(t, err, "k is overridden twice")

	data := gguftest.New().Set("k", "v").Bytes()
	for _, o := range []gguf.Override{
		{Key: "general.alignment", Value: gguf.Value{Type: gguf.Int64, Any: int64(64)}},
		{Key: "split.count", Value: gguf.Value{Type: gguf.Int64, Any: int64(2)}},
		{Key: "k", Value: gguf.Value{Type: gguf.Array, Elem: gguf.Uint8, Any: []uint8{1}}},
	} {
		_, err := gguf.Parse("memory", data, o)
		require.ErrorContains(t, err, "cannot be overridden")
	}
}

package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// chunkedPost begins a POST whose length is not said, with one chunk.
func chunkedPost(path, chunk string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", path, len(chunk), chunk)
}

// Uploads that stall hold what has arrived, not what may come, whether they
// say how much that is or not.
func TestStalledUploadsBlockNobody(t *testing.T) {
	i := start(t, setup{})
	for n := range 20 {
		if n%2 == 0 {
			i.raw(chunkedPost("/encode", `{"text":"`+strings.Repeat("x", 100)))
		} else {
			i.raw(fmt.Sprintf("POST /encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n{\"text\":", maxBody))
		}
	}
	large := `{"text":"` + strings.Repeat("a b ", 20_000) + `"}`
	c := i.raw(chunkedPost("/encode", large[:50_000]) + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(large)-50_000, large[50_000:]))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	res, _ = i.post("/encode", large)
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// Large bodies wait for room; small ones need none.
func TestLargeBodiesAreBounded(t *testing.T) {
	i := start(t, setup{times: func(s *times) { s.body = time.Second }})
	all, first := share{room: i.bodies.large}, share{room: i.bodies.large}
	require.Nil(t, all.tryReserve(largeRoom))
	require.Nil(t, first.tryReserve(1), "one goes on without room, or all might wait for each other")
	large := `{"text":"` + strings.Repeat("x", smallBody+1) + `"}`
	res, b := i.post("/encode", large)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "Too many large requests", b.Error)
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	res, _ = i.post("/encode", `{"text":"x"}`)
	require.Equal(t, http.StatusOK, res.StatusCode)
	first.release()
	res, _ = i.post("/encode", large)
	require.Equal(t, http.StatusOK, res.StatusCode)
	all.release()
	for range 3 {
		res, _ = i.post("/encode", large)
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	require.Equal(t, int64(largeRoom), i.bodies.large.free, "all room is given back")
	require.Equal(t, int64(smallRoom), i.bodies.small.free)
	require.False(t, i.bodies.large.ahead)
}

// A client that is still sending when it is refused hears why.
func TestRefusedWhileSending(t *testing.T) {
	i := start(t, setup{})
	for range 10 {
		res, b := i.post("/encode", `{"text":"`+strings.Repeat("x", 5<<20)+`"}`)
		require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
		require.Contains(t, b.Error, "more than 2097152 bytes")
	}
}

// Large texts are tokenized one at a time; short ones do not wait.
func TestLargeTextsTakeTurns(t *testing.T) {
	i := start(t, setup{})
	large := `{"text":"` + strings.Repeat("x", smallBody+1) + `"}`
	i.bodies.tokenizingLarge <- struct{}{}
	answered := make(chan int, 1)
	go func() {
		res, _ := i.post("/encode", large)
		answered <- res.StatusCode
	}()
	res, _ := i.post("/encode", `{"text":"x"}`)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Empty(t, answered)
	<-i.bodies.tokenizingLarge
	require.Equal(t, http.StatusOK, <-answered)
}

// Bodies of all sizes are read whole, however they arrive, and hold no more
// room than they have bytes.
func TestReadBody(t *testing.T) {
	b := newBodies()
	for _, n := range []int{0, 1, 4095, 4096, 4097, smallBody - 1, smallBody, smallBody + 1, 3*smallBody + 5, maxBody} {
		text := strings.Repeat("x", n)
		for name, from := range map[string]io.Reader{
			"at once": strings.NewReader(text), "a byte at a time": iotest.OneByteReader(strings.NewReader(text)),
			"with the end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			for _, length := range []int64{int64(n), -1} {
				r := b.newRead()
				got, err := r.read(t.Context(), from, length)
				require.NoError(t, err)
				require.Equal(t, text, string(got), "%d bytes %s", n, name)
				require.LessOrEqual(t, r.small.held+r.large.held, int64(2*bodyCost*n))
				if n < freeBody {
					require.Zero(t, r.small.held)
				}
				if n < smallBody {
					require.Zero(t, r.large.held)
				}
				r.release()
				if s, ok := from.(*strings.Reader); ok {
					s.Reset(text)
				} else {
					break
				}
			}
		}
	}
	require.Equal(t, int64(smallRoom), b.small.free)
	require.Equal(t, int64(largeRoom), b.large.free)
	errBroken := errors.New("broken")
	_, err := b.newRead().read(t.Context(), iotest.ErrReader(errBroken), -1)
	require.ErrorIs(t, err, errBroken)
}

// What waits for room goes on as soon as there is some.
func TestRoomIsHandedOn(t *testing.T) {
	m := newRoom(100)
	all, ahead, waiting := share{room: m}, share{room: m}, share{room: m}
	require.Nil(t, all.tryReserve(100))
	require.Nil(t, ahead.tryReserve(1))
	require.NotNil(t, waiting.tryReserve(5))
	done := make(chan error, 1)
	go func() { done <- waiting.reserve(t.Context(), 5) }()
	all.release()
	require.NoError(t, <-done)
	require.Equal(t, int64(5), waiting.held)
}

// A wait for room ends when the client leaves, which net/http does not notice
// before the body is read.
func TestWaitForRoomEndsWithTheClient(t *testing.T) {
	if !canSeeHangUp {
		t.Skip("this system does not tell")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	ctx := withConn(t.Context(), server)
	_, err = client.Write([]byte("unread"))
	require.NoError(t, err)
	require.False(t, clientGone(ctx))

	m := newRoom(1)
	require.Nil(t, (&share{room: m}).tryReserve(1))
	require.Nil(t, (&share{room: m}).tryReserve(1))
	done := make(chan error, 1)
	go func() { done <- (&share{room: m}).reserve(ctx, 1) }()
	require.NoError(t, client.Close())
	require.ErrorIs(t, <-done, context.Canceled)
}

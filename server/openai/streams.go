package openai

import (
	"context"
	"io"
	"net/http"

	"cllm/runtime"
	"cllm/server/api"
)

// submitAll submits a request for each prompt; the choices of the i-th are
// numbered from i·n on.
func (d *dialect) submitAll(r *http.Request, c *completion) (api.Stream, error) {
	all := &streams{n: max(c.N, 1), arrived: make(chan arrival, len(c.prompts))}
	all.ctx, all.cancel = context.WithCancel(r.Context())
	for _, prompt := range c.prompts {
		one := c.Request
		one.Prompt = prompt
		s, err := d.Generate(all.ctx, &one)
		if err != nil {
			all.Close()
			return nil, err
		}
		all.list = append(all.list, s)
	}
	if len(all.list) == 1 {
		return all.list[0], nil
	}
	all.open = len(all.list)
	for i := range all.list {
		go all.read(i)
	}
	return all, nil
}

// streams are several streams as one.
type streams struct {
	list    []api.Stream
	n       int // choices of each
	open    int
	arrived chan arrival
	ctx     context.Context
	cancel  context.CancelFunc
}

type arrival struct {
	ev  runtime.Event
	err error
}

// read forwards the events of a stream until it ends.
func (s *streams) read(i int) {
	for {
		ev, err := s.list[i].Next(s.ctx)
		ev.Choice += i * s.n
		select {
		case s.arrived <- arrival{ev, err}:
		case <-s.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (s *streams) Next(ctx context.Context) (runtime.Event, error) {
	for s.open > 0 {
		select {
		case a := <-s.arrived:
			if a.err == io.EOF {
				s.open--
				continue
			}
			return a.ev, a.err
		case <-ctx.Done():
			return runtime.Event{}, context.Cause(ctx)
		}
	}
	return runtime.Event{}, io.EOF
}

func (s *streams) Hold(bytes int64) error { return s.list[0].Hold(bytes) }

func (s *streams) Close() {
	s.cancel()
	for _, one := range s.list {
		one.Close()
	}
}

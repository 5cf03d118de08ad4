//go:build unix

package config

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A configuration may come through a pipe, and not from what has no end.
func TestConfigurationOfNoRegularFile(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	_, err = w.WriteString("server: {port: 1001}")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	c, _, err := Load(fmt.Sprintf("/dev/fd/%d", r.Fd()), os.LookupEnv, nil)
	require.NoError(t, err)
	require.Equal(t, 1001, c.Port)

	_, _, err = Load("/dev/zero", os.LookupEnv, nil)
	require.ErrorContains(t, err, "/dev/zero: more than 65536 bytes")
}

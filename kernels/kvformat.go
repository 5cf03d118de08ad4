package kernels

import (
	"fmt"
	"strings"
)

var kvFormatNames = [NumKVFormats]string{KVF16: "f16", KVF32: "f32", KVQ8: "q8_0"}

// String is the name of the format, as [ParseKVFormat] takes it.
func (f KVFormat) String() string {
	if f < NumKVFormats {
		return kvFormatNames[f]
	}
	return fmt.Sprintf("format %d", f)
}

// MarshalText lets the name stand for the format in JSON.
func (f KVFormat) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// ParseKVFormat finds a format by its name, in any case.
func ParseKVFormat(name string) (KVFormat, error) {
	for f, n := range kvFormatNames {
		if strings.EqualFold(n, name) {
			return KVFormat(f), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", name, strings.Join(kvFormatNames[:], ", "))
}

package config

import (
	"os"

	"golang.org/x/sys/windows"
)

// openAppend opens a file for appending, and makes it if it is not there. The
// file can be renamed while it is open, as it is when a log rotates.
func openAppend(path string) (*os.File, error) {
	wrap := func(err error) error { return &os.PathError{Op: "open", Path: path, Err: err} }
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, wrap(err)
	}
	h, err := windows.CreateFile(name, windows.FILE_APPEND_DATA|windows.FILE_READ_ATTRIBUTES|windows.SYNCHRONIZE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, wrap(err)
	}
	return os.NewFile(uintptr(h), path), nil
}

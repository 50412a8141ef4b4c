package parts

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// findBinary finds a program in PATH or where servers are installed but PATH
// often does not lead: Debian keeps mariadbd in /usr/sbin.
func findBinary(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/local/bin", "/usr/libexec"} {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("this machine has no %s", name)
}

// findBinaries returns the paths of all of names, in their order.
func (s *session) findBinaries(names []string) ([]string, error) {
	paths := make([]string, 0, len(names))
	for _, name := range names {
		path, err := s.look(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

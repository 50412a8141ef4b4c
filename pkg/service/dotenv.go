package service

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/joho/godotenv"
)

// DotEnvFile is read from the working folder, in development mode alone.
const DotEnvFile = ".env"

// DotEnv returns the variables in a .env file; none when there is no file. It does
// not say which mode it is: a file that did could turn a deployment's checks off. Its
// errors show nothing of the file.
func DotEnv(path string) (Vars, error) {
	vars, err := godotenv.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Vars{}, nil
	case errors.As(err, new(*fs.PathError)):
		return nil, settingsError{fmt.Errorf("%s: %w", DotEnvFile, err)}
	case err != nil: // it quotes the line
		return nil, settingsError{fmt.Errorf("%s: want lines of the form NAME=value", DotEnvFile)}
	case vars["CREATE_USER_MODE"] != "" && vars["CREATE_USER_MODE"] != ModeDevelopment:
		return nil, settingsError{fmt.Errorf("%s: CREATE_USER_MODE can only be %s there: such files are read in development alone", DotEnvFile, ModeDevelopment)}
	}
	return vars, nil
}

// WithDotEnv returns the environment's variables and, in development mode, behind
// them those of a .env file: what is set in the environment wins.
func WithDotEnv(environ Vars, path string) (Vars, error) {
	if environ["CREATE_USER_MODE"] != ModeDevelopment {
		return environ, nil
	}
	file, err := DotEnv(path)
	if err != nil {
		return nil, err
	}
	return file.With(environ.set()), nil
}

// set returns the variables that are not empty.
func (v Vars) set() Vars {
	set := Vars{}
	for name, value := range v {
		if value != "" {
			set[name] = value
		}
	}
	return set
}

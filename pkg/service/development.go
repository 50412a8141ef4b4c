package service

import (
	"fmt"
	"slices"
	"strings"
)

// ModeDevelopment is the value of CREATE_USER_MODE in which the fixed secrets
// below are accepted.
const ModeDevelopment = "development"

// The fixed secrets of development mode. They are public: any other mode
// refuses them.
const (
	DevJWTSecret            = "development-only-jwt-secret-do-not-deploy"
	DevSealPrivateKey       = "dev:eCWhSqNQCayOHGNGg7A_BjjigYa1FvP7KPBW8SA5OEA"
	DevSealPublicKey        = "dev:9VvQQB9rmp7JjUHdK0rOkJ197R2RjfnAwj1WF8K9WTU"
	DevDeadLetterPrivateKey = "dev-dlq:eHOhqakZTfSyfCmAz9xsINFeDeWI6Ed06fDO5XgBBWM"
	DevDeadLetterPublicKey  = "dev-dlq:g10LQOS01Y-C2DM0-w8UOG_lqgE_FVYY63iGU0CtexQ"
	DevEncryptKey           = "development-only-encryption-key!" // 32 bytes: AES-256
	DevConsoleToken         = "development-only-console-token"
)

// DevSecrets returns the variables that development mode sets to fixed secrets.
func DevSecrets() Vars {
	return Vars{
		"JWT_SECRET":              DevJWTSecret,
		"SEAL_PRIVATE_KEYS":       DevSealPrivateKey,
		"SEAL_PUBLIC_KEY":         DevSealPublicKey,
		"DEAD_LETTER_PRIVATE_KEY": DevDeadLetterPrivateKey,
		"DEAD_LETTER_PUBLIC_KEY":  DevDeadLetterPublicKey,
		"ENCRYPT_KEY":             DevEncryptKey,
		"CONSOLE_TOKEN":           DevConsoleToken,
	}
}

// refuseDevelopmentSecrets fails when a fixed secret is used outside
// development mode, also as one of several keys.
func refuseDevelopmentSecrets(vars Vars, known []field) error {
	if vars["CREATE_USER_MODE"] == ModeDevelopment {
		return nil
	}
	public := DevSecrets()
	for _, f := range known {
		fixed, ok := public[f.name]
		if ok && slices.ContainsFunc(strings.Split(vars[f.name], ","), func(one string) bool { return strings.TrimSpace(one) == fixed }) {
			return fmt.Errorf("%s holds the public development value: set your own (createuser keygen)", f.name)
		}
	}
	return nil
}

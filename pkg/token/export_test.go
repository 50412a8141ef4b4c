package token

import (
	"context"
	"net/http"
)

// NewOver is New for a JWKSURL that is reached through a transport.
func NewOver(ctx context.Context, cfg Config, transport http.RoundTripper) *Verifier {
	return newVerifier(cfg, openCache(ctx, newURLSource(cfg.JWKSURL, cfg.AllowHTTP, transport), nil, cfg))
}

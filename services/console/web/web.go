// Package web holds the console's templates, and its scripts and styles as
// "npm run build" makes them.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Templates returns the pages' templates.
func Templates() fs.FS {
	sub, err := fs.Sub(templates, "templates")
	if err != nil {
		panic(err) // the folder is built in
	}
	return sub
}

// Static serves scripts and styles below /static/. Their names stay while their
// contents change with the version, so browsers ask each time.
func Static() http.Handler {
	files := http.FileServerFS(static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

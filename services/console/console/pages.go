package console

import (
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/create-user/create-user/services/console/web"
)

// pages are the templates, one set a page.
type pages map[string]*template.Template

// parsePages reads the templates, each beside the layout.
func parsePages() (pages, error) {
	all := pages{}
	layout, err := template.New("layout.html").Funcs(template.FuncMap{"clock": clock, "span": span, "size": size}).
		ParseFS(web.Templates(), "layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse the layout: %w", err)
	}
	for _, name := range []string{"flow", "sagas", "saga", "letters", "letter", "confirm", "system", "signup", "login", "error"} {
		page, err := layout.Clone()
		if err == nil {
			page, err = page.ParseFS(web.Templates(), name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		all[name] = page
	}
	return all, nil
}

func (p pages) execute(w io.Writer, name string, f frame) error {
	return p[name].ExecuteTemplate(w, "layout.html", f)
}

// clock writes a time for people; the page's script writes it in their zone.
func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// span writes a duration with the digits that matter.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// size writes a number of bytes, signed or not.
func size(bytes any) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := 0.0, 0
	switch n := bytes.(type) {
	case uint64:
		f = float64(n)
	case int64:
		f = float64(n)
	}
	for ; f >= 1024 && i < len(units)-1; i++ {
		f /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", f)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

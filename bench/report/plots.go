package report

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/create-user/create-user/bench/run"
)

// Plots draws the results into SVG files in a folder, which it makes.
func Plots(folder string, rounds Rounds, scale Scale) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("make the plots' folder: %w", err)
	}
	for file, draw := range map[string]func() ([]*plot.Plot, error){
		"throughput.svg": func() ([]*plot.Plot, error) { return throughputPlot(rounds.Runs) },
		"latency.svg":    func() ([]*plot.Plot, error) { return latencyPlot(rounds.Runs) },
		"history.svg":    func() ([]*plot.Plot, error) { return historyPlots(scale.Slices) },
	} {
		plots, err := draw()
		if err != nil {
			return fmt.Errorf("draw %s: %w", file, err)
		}
		if len(plots) == 0 {
			continue
		}
		if err := save(filepath.Join(folder, file), plots); err != nil {
			return fmt.Errorf("draw %s: %w", file, err)
		}
	}
	return nil
}

const (
	width  = 18 * vg.Centimeter
	height = 8 * vg.Centimeter // of each plot
)

// save draws plots one above the other into one file.
func save(path string, plots []*plot.Plot) error {
	rows := len(plots)
	canvas := vgsvg.New(width, height*vg.Length(rows))
	rect := draw.New(canvas)
	rect.SetColor(color.White)
	rect.Fill(rect.Rectangle.Path())
	tiles := draw.Tiles{Rows: rows, Cols: 1, PadX: vg.Millimeter, PadY: 2 * vg.Millimeter, PadTop: vg.Millimeter, PadBottom: vg.Millimeter, PadLeft: vg.Millimeter, PadRight: 4 * vg.Millimeter}
	for i, p := range plots {
		p.Draw(tiles.At(rect, 0, i))
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o600)
}

// bars are the medians of some measurements, with the spread of their rounds.
type bars []spread

func (b bars) Len() int                    { return len(b) }
func (b bars) XY(i int) (x, y float64)     { return float64(i), b[i].median }
func (b bars) YError(i int) (l, h float64) { return b[i].median - b[i].least, b[i].most - b[i].median }

func throughputPlot(runs []run.Run) ([]*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text, p.Y.Min = "users or sagas a second, median of the rounds, least and most", "1/s", 0
	var names []string
	var all bars
	for _, one := range []struct{ name, label string }{
		{run.NameBull5, "Bull, 5 at once"}, {run.NameBullBest, "Bull at its best"}, {run.NameOurs, "Create User"},
		{run.NameWatermill, "Watermill, empty"}, {run.NameRunner, "our runner, empty"}, {run.NameBare, "bare chain, empty"},
	} {
		if values := of(runs, one.name, perSecond); len(values) > 0 {
			names, all = append(names, one.label), append(all, spreadOf(values))
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	values := make(plotter.Values, len(all))
	for i, b := range all {
		values[i] = b.median
	}
	chart, err := plotter.NewBarChart(values, vg.Points(36))
	if err != nil {
		return nil, err
	}
	chart.Color, chart.LineStyle.Width = plotutil.Color(2), 0
	spread, err := plotter.NewYErrorBars(all)
	if err != nil {
		return nil, err
	}
	p.Add(plotter.NewGrid(), chart, spread)
	p.NominalX(names...)
	return []*plot.Plot{p}, nil
}

func latencyPlot(runs []run.Run) ([]*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text = "from publish to heard, p99, median of the rounds", "ms"
	p.X.Label.Text = "users a second"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	var lines []any
	for _, one := range []struct {
		label string
		names []string
	}{
		{"Create User", []string{run.NameOurs50, run.NameOursHalf, run.NameOurs80}},
		{"Bull", []string{run.NameBull50, "bull-half", "bull-80"}},
	} {
		var points plotter.XYs
		for _, name := range one.names {
			rates, times := of(runs, name, func(r run.Run) float64 { return r.Rate }), of(runs, name, latency(p99))
			if rate := spreadOf(rates).median; rate > 0 { // and a number
				points = append(points, plotter.XY{X: rate, Y: spreadOf(times).median})
			}
		}
		if len(points) > 0 {
			lines = append(lines, one.label, points)
		}
	}
	if len(lines) == 0 {
		return nil, nil
	}
	p.Add(plotter.NewGrid())
	err := plotutil.AddLinePoints(p, lines...)
	p.X.Min, p.X.Max, p.Y.Min = 10, 10_000, 0
	return []*plot.Plot{p}, err
}

func historyPlots(slices []run.Slice) ([]*plot.Plot, error) {
	if len(slices) == 0 {
		return nil, nil
	}
	var plots []*plot.Plot
	for _, one := range []struct {
		title, unit string
		figure      func(run.Slice) float64
	}{
		{"throughput", "sagas/s", func(s run.Slice) float64 { return s.PerSecond }},
		{"resident memory of NATS", "MiB", func(s run.Slice) float64 { return s.ServerMiB }},
		{"a step of a saga alone, p50", "ms", func(s run.Slice) float64 { return s.StepP50 }},
	} {
		p := plot.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text, p.Y.Min = one.title, "sagas in the history", one.unit, 0
		points := make(plotter.XYs, len(slices))
		for i, s := range slices {
			points[i] = plotter.XY{X: float64(s.Sagas), Y: one.figure(s)}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = plotutil.Color(2), vg.Points(1.5)
		p.Add(plotter.NewGrid(), line)
		plots = append(plots, p)
	}
	return plots, nil
}

// The page of the flow: numbers every second, plots every five.
import uPlot from "uplot";
import { live } from "./live.js";

const number = (n) => n.toLocaleString("en", { maximumFractionDigits: 1 });

function span(seconds) {
  if (!seconds) return "–";
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

const milliseconds = (n) => (n ? `${n < 100 ? n.toFixed(1) : Math.round(n)} ms` : "–");

const write = {
  words: (s) => s.words,
  rate: (s) => `${number(s.rate)}/s`,
  lag: (s) => number(s.lag),
  inFlight: (s) => number(s.inFlight),
  oldest: (s) => span(s.oldest),
  p50: (s) => milliseconds(s.p50),
  p99: (s) => milliseconds(s.p99),
};

function show(view) {
  for (const step of view.steps) {
    const card = document.querySelector(`[data-step="${step.name}"]`);
    if (!card) continue;
    card.className = `step ${step.state}`;
    for (const field of card.querySelectorAll("[data-field]")) field.textContent = write[field.dataset.field](step);
  }
  for (const { code, count } of view.codes) document.querySelector(`[data-code="${code}"]`).textContent = number(count);
  document.getElementById("open").textContent = number(view.open);
  const reading = document.getElementById("reading");
  reading.hidden = view.reading === 100;
  reading.querySelector("progress").value = view.reading;
  const problem = document.getElementById("problem");
  problem.hidden = !view.problem;
  problem.textContent = view.problem;
}

// Colours that both themes can carry, told apart also by those who see few.
const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a8a00", "#8f6ad6", "#7a7a7a", "#b35c44"];

class Plot {
  constructor(id, pick) {
    this.box = document.getElementById(id);
    this.pick = pick;
  }

  draw(series) {
    const lines = this.pick(series);
    const names = Object.keys(lines);
    const data = [series.times, ...names.map((n) => lines[n])];
    if (this.plot && this.names.join() === names.join()) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.names = names;
    this.plot = new uPlot(this.options(names), data, this.box);
  }

  options(names) {
    const style = getComputedStyle(document.documentElement);
    const axis = { stroke: style.getPropertyValue("--quiet"), grid: { stroke: style.getPropertyValue("--line"), width: 1 } };
    return {
      width: this.width(), height: 200,
      axes: [axis, { ...axis, size: 60 }],
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
      series: [{}, ...names.map((name, i) => ({ label: name, stroke: colours[i % colours.length], width: 2, points: { show: false } }))],
    };
  }

  width() { return this.box.clientWidth - 16; }

  fit() { this.plot?.setSize({ width: this.width(), height: 200 }); }

  restyle() {
    this.plot?.destroy();
    this.plot = undefined;
  }
}

const without = (lines, ...names) => Object.fromEntries(Object.entries(lines).filter(([n]) => !names.includes(n)));

export function flow() {
  const plots = [
    new Plot("plot-rates", (s) => s.rates),
    new Plot("plot-p99", (s) => without(s.p99, "failed")),
    new Plot("plot-codes", (s) => without(s.codes, "created")),
  ];
  const draw = async () => {
    try {
      const answer = await fetch("/series");
      if (!answer.ok) return;
      const series = await answer.json();
      for (const plot of plots) plot.draw(series);
    } catch {
      // The console is away: the live connection says so.
    }
  };
  draw();
  setInterval(draw, 5000);
  new ResizeObserver(() => plots.forEach((p) => p.fit())).observe(document.getElementById("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plots.forEach((p) => p.restyle()); draw(); });
  live("/live", { flow: show });
}

// ECE table, reliability diagram with bin counts, confidence of wrong answers.

import { showAnswers } from "./answers.js";
import { byId, formatNumber, formatPercent, make, plural } from "./dom.js";
import { at, get, getOnce } from "./http.js";
import { describeRun, latestOnly, ListSlider } from "./sliders.js";
import { draw, faint, muted, onThemeChange, series } from "./theme.js";

const SHARES = ["accuracy", "confidence"];
/** @type {[string, string, "min" | "max" | null][]} Name, title, and which value is the best. */
const COLUMNS = [
  ["ece", "ECE", "min"],
  ["interval", "95 % interval", null],
  ["floor", "By chance", null],
  ["ece_debiased", "Debiased", "min"],
  ["smooth_ece", "SmoothECE", "min"],
  ["ece_classwise", "Classwise", "min"],
  ["mce", "MCE", "min"],
  ["brier", "Brier", "min"],
  ["nll", "NLL", "min"],
  ["aurc", "AURC", "min"],
  ["accuracy", "Accuracy", "max"],
  ["confidence", "Confidence", null],
];

function cell(row, name) {
  if (name === "interval") return `${formatNumber(row.ece_low)} – ${formatNumber(row.ece_high)}`;
  if (name === "floor") return `${formatNumber(row.ece_floor)}, to ${formatNumber(row.ece_floor_high)}`;
  if (row[name] === null) return "";
  return SHARES.includes(name) ? formatPercent(row[name]) : formatNumber(row[name]);
}

export class CalibrationView {
  constructor(experimentId) {
    this.experimentId = experimentId;
    this.runs = [];
    this.showRun = latestOnly((run, isLatest) => this.reliability(run, isLatest));
    this.showTable = latestOnly((isLatest) => this.table(isLatest));
    this.slider = new ListSlider(byId("calibration-run"), describeRun, (run) => this.showRun(run));
    for (const id of ["bins", "binning"]) {
      byId(id).addEventListener("change", () => {
        this.isBinned = true;
        this.slider.choose();
        this.showTable();
      });
    }
    onThemeChange(() => this.slider.choose());
  }

  // Until someone chooses, the bins are those of the spec, which the table's answer tells.
  get query() {
    if (!this.isBinned) return "";
    const bins = Math.max(1, Math.min(1000, Number(byId("bins").value) || 15));
    return `bins=${bins}&binning=${byId("binning").value}`;
  }

  update(runs) {
    this.runs = runs;
    this.slider.set(runs);
    this.showTable();
  }

  async table(isLatest) {
    const answer = await get(`/v1/experiments/${this.experimentId}/ece?${this.query}`);
    if (!isLatest()) return;
    if (!this.isBinned) {
      byId("bins").value = answer.bins;
      byId("binning").value = answer.binning;
      this.isBinned = true;
      this.slider.choose();
    }
    byId("ece-csv").href = at(`/v1/experiments/${this.experimentId}/ece?format=csv&${this.query}`);
    const rows = answer.items;
    const best = Object.fromEntries(
      COLUMNS.flatMap(([name, , kind]) => (kind && rows.length > 1 ? [[name, Math[kind](...rows.map((row) => row[name]).filter((value) => value !== null))]] : [])),
    );
    const head = make("tr", {}, make("th", { textContent: "Run" }), make("th", { textContent: "Seed", className: "number" }));
    head.append(...COLUMNS.map(([, title]) => make("th", { textContent: title, className: "number" })));
    const labels = new Map(this.runs.map((run) => [run.id, run.label]));
    const body = rows.map((row) => {
      const line = make(
        "tr",
        {},
        make("th", { textContent: labels.get(row.run_id) ?? row.index, scope: "row" }),
        make("td", { textContent: row.seed, className: "number" }),
      );
      for (const [name] of COLUMNS) {
        line.append(make("td", { textContent: cell(row, name), className: row[name] === best[name] && name in best ? "number best" : "number" }));
      }
      return line;
    });
    byId("ece").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  }

  async reliability(run, isLatest) {
    const found = await getOnce(`/v1/runs/${run.id}/calibration?${this.query}`);
    if (!isLatest()) return;
    const rows = found.table;
    const [under, over] = series();
    const x = rows.map((row) => row.confidence);
    const text = rows.map(
      (row) => `${plural(row.count, "example")}<br>confidence ${formatPercent(row.confidence)}<br>accuracy ${formatPercent(row.accuracy)}`,
    );
    const bars = { x: rows.map((row) => (row.lower + row.upper) / 2), width: rows.map((row) => Math.max(0.94 * (row.upper - row.lower), 0.003)) };
    const chance = { x: [...x, ...x.toReversed()], y: [...rows.map((row) => row.chance_high), ...rows.map((row) => row.chance_low).toReversed()] };
    await draw(
      byId("reliability"),
      [
        { ...chance, mode: "lines", fill: "toself", fillcolor: faint(muted(), 0.25), line: { width: 0 }, hoverinfo: "skip" },
        { x: [0, 1], y: [0, 1], mode: "lines", line: { color: muted(), dash: "dash", width: 1 }, hoverinfo: "skip" },
        ...rows.map((row) => ({ x: [row.confidence, row.confidence], y: [row.accuracy, row.confidence], mode: "lines", hoverinfo: "skip", line: { color: faint(row.gap > 0 ? over : under, 0.55), width: 4 } })),
        { x, y: rows.map((row) => row.accuracy), mode: "lines+markers", text, hovertemplate: "%{text}<extra></extra>", line: { color: under, width: 1.6 }, marker: { size: 7 } },
        { type: "bar", ...bars, y: rows.map((row) => row.count), yaxis: "y2", marker: { color: faint(under, 0.55) }, hovertemplate: "%{y} examples<extra></extra>" },
      ],
      {
        title: { text: `Reliability, ECE ${formatNumber(found.ece)} (by chance to ${formatNumber(found.ece_floor_high)}), MCE ${formatNumber(found.mce)}`, font: { size: 13 }, x: 0.02, y: 0.98 },
        xaxis: { title: { text: "confidence" }, range: [Math.max(0, Math.min(...bars.x) - 0.06), 1.02], anchor: "y2" },
        yaxis: { title: { text: "accuracy" }, domain: [0.33, 1], range: [Math.max(0, Math.min(...rows.map((row) => row.accuracy), ...x) - 0.05), 1.03] },
        yaxis2: { title: { text: "count" }, domain: [0, 0.22], gridcolor: "rgba(128,128,128,0.2)", automargin: true, rangemode: "tozero" },
        bargap: 0,
      },
    );
    const wrong = found.confidence_on_errors;
    await draw(
      byId("error-cdf"),
      [
        { x: [0, ...wrong.confidence, 1], y: [0, ...wrong.share, 1], mode: "lines", line: { shape: "hv", color: over, width: 1.8 }, hovertemplate: "%{y:.1%} of errors at most %{x:.3f} sure<extra></extra>" },
      ],
      {
        title: { text: `Confidence of ${plural(wrong.confidence.length, "error")}, cumulative`, font: { size: 13 }, x: 0.02, y: 0.98 },
        xaxis: { title: { text: "confidence" }, range: [0, 1.01] },
        yaxis: { title: { text: "share of errors" }, range: [0, 1.02], tickformat: ".0%" },
      },
    );
    await showAnswers(run, isLatest);
  }
}

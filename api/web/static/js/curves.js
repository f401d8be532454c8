// Loss and accuracy over epochs: groups of runs, bands over seeds, logarithmic axes, smoothing.

import { make, throttled } from "./dom.js";
import { summarized, smoothed } from "./store.js";
import { draw, faint, logAxis, logEpoch, logEpochAxis, onThemeChange, themeName } from "./theme.js";

const MANY = 4;
// Bands of more groups hide one another.
const MOST_BANDS = 8;
// An interval of two seeds has one degree of freedom: it says nothing.
const LEAST_SEEDS = 3;
// A loss so many times the largest at the start has diverged: the axis is for the others.
const DIVERGED = 10;
const DASHES = { train: "dot", test: "solid", validation: "dash" };

export class CurvesView {
  /**
   * @param root Holds the controls, plots and legend of curves.html.
   * @param runs Rows with id, group, label, state; section is what several groups belong to.
   * @param colours Colours of the groups by theme.
   * @param store A CurveStore.
   */
  constructor(root, runs, colours, store) {
    this.root = root;
    this.colours = colours;
    this.store = store;
    this.groups = [];
    for (const run of runs) {
      this.groups[run.group] ??= { at: run.group, label: run.label, section: run.section ?? "", runs: [], shown: true };
      this.groups[run.group].runs.push(run);
    }
    this.update = throttled(() => this.draw(), 400);
    if (this.groups.length > MANY) this.control("train").checked = false;
    this.root.querySelector("[data-controls]").addEventListener("input", () => this.draw());
    this.makeLegend();
    onThemeChange(() => {
      this.makeLegend();
      this.draw();
    });
  }

  /** The groups that are drawn. */
  get shown() {
    return this.groups.filter((group) => group.shown);
  }

  control(name) {
    return this.root.querySelector(`[data-control="${name}"]`);
  }

  colour(group) {
    return this.colours[themeName()][group.at];
  }

  makeLegend() {
    const legend = this.root.querySelector("[data-legend]");
    const before = (at) => this.groups[at - 1]?.section;
    legend.replaceChildren(
      ...this.groups.flatMap((group, at) => [
        group.section && group.section !== before(at) ? make("span", { className: "hint section", textContent: group.section }) : "",
        this.chip(group),
      ]),
    );
    if (this.groups.length > 2) {
      const all = make("button", { type: "button", textContent: "All / none", className: "quiet" });
      all.addEventListener("click", () => {
        const show = !this.groups.every((group) => group.shown);
        for (const group of this.groups) group.shown = show;
        this.makeLegend();
        this.draw();
      });
      legend.append(all);
    }
  }

  chip(group) {
    group.note = make("span", { className: "wrong" });
    this.showNote(group);
    const chip = make("button", { type: "button", attrs: { "aria-pressed": String(group.shown) } }, swatch(this.colour(group)), group.label, group.note);
    chip.addEventListener("click", () => {
      group.shown = !group.shown;
      chip.setAttribute("aria-pressed", String(group.shown));
      this.draw();
    });
    return chip;
  }

  /** What a chip says beside its label: that runs failed or their loss diverged. */
  showNote(group) {
    const failed = group.runs.filter((run) => run.state === "failed").length;
    const largest = this.largestLoss(group);
    const parts = [];
    if (failed) parts.push(group.runs.length === 1 ? "failed" : `${failed} of ${group.runs.length} failed`);
    if (largest > this.ceiling) parts.push(`diverged, loss up to ${largest.toPrecision(2)}`);
    group.note.textContent = parts.join(", ");
  }

  /** The largest train or test loss of a group's runs. */
  largestLoss(group) {
    return Math.max(0, ...this.losses(group.runs).map((values) => extreme(values, Math.max)));
  }

  losses(runs) {
    const curves = runs.map((run) => this.store.curves.get(run.id)).filter((curve) => curve.epoch.length);
    return curves.flatMap((curve) => [curve.train_loss, curve.test_loss]);
  }

  /** What a loss must not exceed to be on the axis. */
  get ceiling() {
    const first = this.losses(this.groups.flatMap((group) => group.runs)).map((values) => values[0]);
    return DIVERGED * Math.max(0, ...first);
  }

  /** A loss axis that follows the lines, but not to where they diverge. */
  lossAxis(values, log) {
    const { ceiling } = this;
    const shown = values.filter((value) => value <= ceiling);
    const axis = log ? logAxis(shown) : { tickformat: "~g" };
    if (shown.length === values.length) return axis;
    const ends = [log ? Math.min(...shown) : 0, ceiling];
    return { ...axis, range: log ? ends.map(Math.log10) : ends };
  }

  async draw() {
    const smoothing = this.control("smoothing");
    smoothing.nextElementSibling.value = Number(smoothing.value).toFixed(2);
    const empty = this.store.isEmpty;
    this.root.querySelector("[data-empty]").hidden = !empty;
    this.control("validation").parentElement.hidden = !this.store.has("validation_loss");
    for (const group of this.groups) this.showNote(group);
    const hidesBands = this.control("seeds").value !== "each" && this.shown.length > MOST_BANDS && this.shown.some((group) => group.runs.length > 1);
    this.root.querySelector("[data-note]").textContent = hidesBands ? `Only means are shown: bands of more than ${MOST_BANDS} lines would hide one another. Show fewer to see them.` : "";
    await Promise.all(["loss", "accuracy"].map((quantity) => this.plot(quantity)));
  }

  async plot(quantity) {
    const logx = this.control("logx").checked;
    const logy = quantity === "loss" && this.control("logy").checked;
    const traces = this.shown.flatMap((group) => this.traces(group, quantity, logx));
    await draw(this.root.querySelector(`[data-plot="${quantity}"]`), traces, {
      title: { text: quantity === "loss" ? "Loss" : "Accuracy", font: { size: 13 }, x: 0.02, y: 0.98 },
      xaxis: { title: { text: "epoch" }, ...(logx ? logEpochAxis(this.lastEpoch) : {}) },
      yaxis: quantity === "accuracy" ? { tickformat: ".0%" } : this.lossAxis(all(traces), logy),
      uirevision: `${logx}${logy}`,
    });
  }

  get lastEpoch() {
    return Math.max(1, ...[...this.store.curves.values()].map((curve) => curve.epoch.at(-1) ?? 1));
  }

  traces(group, quantity, logx) {
    const has = (side) => this.control(side).checked && this.store.has(`${side}_${quantity}`);
    const sides = Object.keys(DASHES).filter(has);
    return sides.flatMap((side) => this.sideTraces(group, `${side}_${quantity}`, side, logx));
  }

  sideTraces(group, metric, side, logx) {
    const weight = Number(this.control("smoothing").value);
    const kind = this.control("seeds").value;
    const colour = this.colour(group);
    const line = { color: colour, width: side === "train" ? 1.3 : 1.8, dash: DASHES[side] };
    const curves = group.runs
      .map((run) => this.store.curves.get(run.id))
      .filter((curve) => curve.epoch.length && curve[metric][0] !== null);
    if (!curves.length) return [];
    const xs = (epochs) => (logx ? epochs.map(logEpoch) : epochs);
    const name = group.section && group.section !== group.label ? `${group.section}, ${group.label}` : group.label;
    const hovertemplate = `${name}, ${side}: %{y:.4g} at epoch %{customdata}<extra></extra>`;
    const base = { mode: "lines", line, hovertemplate };
    const least = kind === "interval" ? LEAST_SEEDS : 2;
    if (kind === "each" || curves.length < least) {
      return curves.map((curve) => ({
        ...base,
        x: xs(curve.epoch),
        y: smoothed(curve[metric], weight),
        customdata: curve.epoch,
      }));
    }
    const found = summarized(curves, metric, weight, kind);
    const x = xs(found.epoch);
    const mean = { ...base, x, y: found.mean, customdata: found.epoch };
    if (this.shown.length > MOST_BANDS) return [mean];
    const isShare = metric.endsWith("accuracy");
    const clipped = (values) => (isShare ? values.map((y) => Math.min(1, Math.max(0, y))) : values);
    const edge = { mode: "lines", line: { width: 0 }, hoverinfo: "skip", x };
    return [
      { ...edge, y: clipped(found.low) },
      { ...edge, y: clipped(found.high), fill: "tonexty", fillcolor: faint(colour, 0.18) },
      mean,
    ];
  }
}

/** A piece of line in a colour, for legends and heads of tables. */
export function swatch(colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "swatch");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ y: 3, width: 18, height: 4, rx: 2, fill: colour })) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

const all = (traces) => traces.flatMap((trace) => [extreme(trace.y, Math.min), extreme(trace.y, Math.max)]);
const extreme = (values, best) => values.reduce((a, b) => best(a, b), values[0]);

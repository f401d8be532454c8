// Spectral bias over time, linked to the loss.

import { byId } from "./dom.js";
import { getOnce } from "./http.js";
import { drawStrip } from "./plane.js";
import { describeRun, latestOnly, ListSlider } from "./sliders.js";
import { draw, faint, ink, logAxis, logEpoch, logEpochAxis, onThemeChange, palettes, plotly, series, themeName } from "./theme.js";

export class SpectrumView {
  constructor(store, timeColours) {
    this.store = store;
    this.timeColours = timeColours;
    this.found = null;
    this.load = latestOnly((run, isLatest) => this.loadRun(run, isLatest));
    this.runSlider = new ListSlider(byId("spectrum-run"), describeRun, (run) => this.load(run));
    this.timeSlider = new ListSlider(byId("spectrum-time"), (epoch) => `epoch ${epoch}`, () => this.render());
    onThemeChange(() => this.found && this.render());
  }

  update(runs) {
    this.runSlider.set(runs);
    this.runSlider.choose();
  }

  async loadRun(run, isLatest) {
    const found = await getOnce(`/v1/runs/${run.id}/spectrum`);
    if (!isLatest()) return;
    const first = !this.found;
    this.found = found;
    this.timeSlider.set(found.epochs);
    if (first) this.timeSlider.input.value = found.epochs.length - 1;
    this.timeSlider.choose();
    const plot = byId("spectrum-loss");
    if (first) {
      await plotly();
      plot.on("plotly_click", (event) => this.nearest(event.points[0].x));
    }
  }

  nearest(epoch) {
    const distance = (at) => Math.abs(Math.log(logEpoch(at)) - Math.log(epoch));
    const epochs = this.found.epochs;
    const best = epochs.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    this.timeSlider.move(epochs.indexOf(best));
  }

  colour(at) {
    const colours = this.timeColours[themeName()];
    const last = colours.length - 1;
    return colours[Math.round((last * at) / Math.max(this.found.epochs.length - 1, 1))];
  }

  /** The colours of the times, from the first to the last. */
  showKey() {
    const [first, last] = [this.found.epochs[0], this.found.epochs.at(-1)];
    byId("spectrum-first").textContent = `epoch ${first}`;
    byId("spectrum-last").textContent = last;
    drawStrip(byId("spectrum-scale"), (share) => {
      const colours = this.timeColours[themeName()];
      return colours[Math.round((colours.length - 1) * share)];
    });
  }

  async render() {
    this.showKey();
    const { epochs, cumulative, isotropic } = this.found;
    const chosen = Number(this.timeSlider.input.value);
    const ranks = isotropic.map((_, k) => k + 1);
    const line = (at, width, opacity) => ({
      x: ranks,
      y: cumulative[at],
      mode: "lines",
      line: { color: faint(this.colour(at), opacity), width },
      hovertemplate: `epoch ${epochs[at]}: %{y:.1%} in the first %{x}<extra></extra>`,
    });
    const others = epochs.map((_, at) => at).filter((at) => at !== chosen);
    const drawn = draw(
      byId("spectrum-plot"),
      [
        { x: ranks, y: isotropic, mode: "lines", line: { color: palettes.grey, width: 2, dash: "dash" }, hovertemplate: "isotropic: %{y:.1%} in the first %{x}<extra></extra>" },
        ...others.map((at) => line(at, 1, 0.35)),
        line(chosen, 3, 1),
      ],
      {
        title: { text: `Cumulative energy at epoch ${epochs[chosen]}`, font: { size: 13 }, x: 0.02, y: 0.98 },
        xaxis: { title: { text: "rank of the component" }, ...logAxis(ranks) },
        yaxis: { range: [0, 1.02], tickformat: ".0%" },
      },
    );
    const curve = this.store.curves.get(this.runSlider.item.id);
    const x = curve.epoch.map(logEpoch);
    const told = { x, customdata: curve.epoch };
    const [train, test] = series();
    await draw(
      byId("spectrum-loss"),
      [
        { ...told, y: curve.train_loss, mode: "lines", line: { color: train, width: 1.4, dash: "dot" }, hovertemplate: "train %{y:.4g} at epoch %{customdata}<extra></extra>" },
        { ...told, y: curve.test_loss, mode: "lines", line: { color: test, width: 1.8 }, hovertemplate: "test %{y:.4g} at epoch %{customdata}<extra></extra>" },
      ],
      {
        title: { text: "Loss, train (dotted) and test; click to choose a time", font: { size: 13 }, x: 0.02, y: 0.98 },
        xaxis: { title: { text: "epoch" }, ...logEpochAxis(curve.epoch.at(-1)) },
        shapes: [
          ...others.map((at) => marker(logEpoch(epochs[at]), faint(this.colour(at), 0.35), 1)),
          marker(logEpoch(epochs[chosen]), this.colour(chosen), 3),
        ],
        annotations: [{ x: Math.log10(logEpoch(epochs[chosen])), y: 1, yref: "paper", text: String(epochs[chosen]), showarrow: false, xanchor: "left", xshift: 4, font: { color: ink() } }],
      },
    );
    await drawn;
  }
}

const marker = (x, color, width) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line: { color, width } });

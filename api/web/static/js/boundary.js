// Decision boundaries: a slider over the sweep, one over training time, dropout networks.

import { byId, formatPercent, make } from "./dom.js";
import { getOnce } from "./http.js";
import { drawPlane, drawScale } from "./plane.js";
import { describeRun, latestOnly, ListSlider } from "./sliders.js";
import { onThemeChange } from "./theme.js";

const FRAME_MILLISECONDS = 160;

export class BoundaryView {
  constructor() {
    this.canvas = byId("boundary-canvas");
    this.dropoutSeed = null;
    /** @type {number | undefined} */
    this.playing = undefined;
    this.load = latestOnly((run, isLatest) => this.loadRun(run, isLatest));
    this.show = latestOnly((isLatest) => this.render(isLatest));
    this.runSlider = new ListSlider(byId("boundary-run"), describeRun, (run) => {
      this.dropoutSeed = null;
      this.load(run);
    });
    this.timeSlider = new ListSlider(byId("boundary-time"), (epoch) => (epoch === null ? "trained" : `epoch ${epoch}`), () => this.show());
    byId("boundary-points").addEventListener("change", () => this.show());
    byId("boundary-play").addEventListener("click", () => this.togglePlay());
    byId("boundary-dropout").addEventListener("click", () => {
      this.dropoutSeed = (this.dropoutSeed ?? -1) + 1;
      this.timeSlider.move(this.timeSlider.items.length - 1);
    });
    onThemeChange(() => this.show());
    drawScale(byId("boundary-scale"));
  }

  update(runs) {
    this.runSlider.set(runs);
    this.runSlider.choose();
  }

  path(epoch) {
    const base = `/v1/runs/${this.runSlider.item.id}/boundary`;
    if (epoch !== null && epoch !== undefined) return `${base}?epoch=${epoch}`;
    return this.dropoutSeed === null ? base : `${base}?dropout_seed=${this.dropoutSeed}`;
  }

  async loadRun(run, isLatest) {
    const found = await getOnce(`/v1/runs/${run.id}/boundary`);
    if (!isLatest()) return;
    const atEnd = !this.timeSlider.items.length || this.timeSlider.item === null;
    const epochs = [...found.snapshot_epochs.filter((epoch) => epoch < run.epochs), null];
    this.timeSlider.set(epochs);
    if (atEnd) this.timeSlider.input.value = epochs.length - 1;
    byId("boundary-time-label").hidden = epochs.length < 2;
    byId("boundary-no-time").hidden = epochs.length > 1;
    byId("boundary-dropout").hidden = !run.dropout;
    const [x, y] = [found.x, found.y].map((axis) => [axis[0], axis.at(-1)]);
    const height = Math.round((this.canvas.width * (y[1] - y[0])) / (x[1] - x[0]));
    // Setting it clears the canvas, even to the same.
    if (this.canvas.height !== height) this.canvas.height = height;
    this.timeSlider.choose();
    this.warm(run, epochs);
  }

  /** Fetch the other times one by one, so that the slider moves without waiting. */
  async warm(run, epochs) {
    for (const epoch of epochs) {
      if (this.runSlider.item !== run) return;
      if (epoch !== null) await getOnce(`/v1/runs/${run.id}/boundary?epoch=${epoch}`);
    }
  }

  async render(isLatest) {
    const epoch = this.timeSlider.item;
    if (epoch !== null) this.dropoutSeed = null;
    const found = await getOnce(this.path(epoch));
    if (!isLatest()) return;
    const scene = { x: [found.x[0], found.x.at(-1)], y: [found.y[0], found.y.at(-1)], points: found.points, labels: found.labels };
    const field = Float32Array.from(found.probability.flat(), (p) => 255 * p);
    drawPlane(this.canvas, scene, field, found.x.length, found.y.length, byId("boundary-points").checked);
    this.facts(found);
  }

  facts(found) {
    byId("boundary-quantity").textContent = found.quantity;
    const p = found.probability.flat();
    const sure = p.reduce((sum, value) => sum + Math.max(value, 1 - value), 0) / p.length;
    const share = p.filter((value) => value > 0.5).length / p.length;
    const facts = [
      ["Shown", found.dropout_seed === null ? "dropout off" : `one dropout network, seed ${found.dropout_seed}`],
      ["Share of the plane given to class 1", formatPercent(share)],
    ];
    // What is no probability is no confidence either.
    if (this.runSlider.item.probabilities) facts.push(["Mean confidence over the plane", formatPercent(sure)]);
    byId("boundary-facts").replaceChildren(
      ...facts.map(([name, value]) => make("div", {}, make("dt", { textContent: `${name}: ` }), make("dd", { textContent: value }))),
    );
  }

  togglePlay() {
    const button = byId("boundary-play");
    const start = this.playing === undefined;
    button.setAttribute("aria-pressed", String(start));
    button.textContent = start ? "Pause" : "Play";
    if (!start) {
      clearInterval(this.playing);
      this.playing = undefined;
      return;
    }
    // Through training time where there are snapshots, else through the sweep.
    const slider = this.timeSlider.items.length > 1 ? this.timeSlider : this.runSlider;
    this.playing = setInterval(
      () => slider.move((Number(slider.input.value) + 1) % slider.items.length),
      slider === this.timeSlider ? FRAME_MILLISECONDS : 4 * FRAME_MILLISECONDS,
    );
  }
}

// The playground: sliders, a stream of frames, two planes and a loss plot.

import { byId, debounced, enable, formatNumber, formatPercent, plural, say, throttled } from "./dom.js";
import { at, call } from "./http.js";
import { drawMarks, drawPlane, drawScale } from "./plane.js";
import { draw, logAxis, logEpoch, logEpochAxis, onThemeChange, plotly, series } from "./theme.js";

const NETS = ["plain", "regularized"];
// Of the series' colours; the first two are those of the classes in the pictures.
const COLOURS = { plain: 3, regularized: 2 };
// Steps of the sliders for rates: the article's sweeps, and beyond.
const SCALES = { l2: (step) => step * 0.0005, l1: (step) => step * 0.00025, linear: (step) => step };

const form = byId("knobs");
const knobs = [...form.querySelectorAll('input[type="range"]')];
/** @type {EventSource | null} */
let source = null;
/** @type {any} The plane, from the stream's first event. */
let scene = null;
let history = [];
/** @type {any} The newest frame. */
let latest = null;

const value = (knob) => Number(SCALES[knob.dataset.scale](Number(knob.value)).toPrecision(6));
const values = () => Object.fromEntries(knobs.map((knob) => [knob.name, value(knob)]));

function showKnobs() {
  for (const knob of knobs) {
    knob.parentElement.querySelector("output").value = value(knob);
    knob.setAttribute("aria-valuetext", String(value(knob)));
  }
  const count = 2 ** Object.keys(sweep()).length;
  byId("keep")?.replaceChildren(`Run as experiment (${plural(count, "run")})`);
}

function stop(text) {
  source?.close();
  source = null;
  byId("message").textContent = text;
  byId("stop").disabled = true;
}

function start() {
  stop("Starting …");
  byId("stop").disabled = false;
  history = [];
  const query = new URLSearchParams(values());
  const mine = new EventSource(at(`/v1/playground?${query}`));
  source = mine;
  mine.addEventListener("scene", (event) => {
    scene = JSON.parse(event.data);
    const ratio = (scene.y[1] - scene.y[0]) / (scene.x[1] - scene.x[0]);
    for (const net of NETS) byId(net).height = Math.round(byId(net).width * ratio);
    byId("message").textContent = "";
  });
  mine.addEventListener("frame", (event) => {
    latest = JSON.parse(event.data);
    history.push(latest.epoch, ...NETS.flatMap((net) => [latest[net].train_loss, latest[net].test_loss]));
    requestAnimationFrame(() => source === mine && showFrame());
    showLoss();
  });
  mine.addEventListener("end", () => stop("Done."));
  mine.addEventListener("diverged", (event) => stop(JSON.parse(event.data).detail));
  mine.addEventListener("error", () => {
    if (source !== mine) return;
    stop("The stream ended.");
    explain(`/v1/playground?${query}`);
  });
}

/** An event source does not tell why it failed: ask once more and read the problem. */
async function explain(path) {
  const control = new AbortController();
  try {
    const reply = await fetch(at(path), { signal: control.signal });
    if (!reply.ok) byId("message").textContent = (await reply.json()).detail;
    else byId("message").textContent = "The connection was lost; train again.";
  } catch {
    byId("message").textContent = "The server cannot be reached.";
  } finally {
    control.abort();
  }
}

function showFrame() {
  if (!latest || !scene) return;
  byId("epoch").textContent = `Epoch ${latest.epoch.toLocaleString("en")}`;
  // Epochs pass ever faster; the bar follows the frames, so that it moves evenly.
  byId("progress").value = Math.log1p(latest.epoch) / Math.log1p(scene.epochs);
  for (const net of NETS) {
    const { grid, ...numbers } = latest[net];
    const field = Uint8Array.from(atob(grid), (letter) => letter.charCodeAt(0));
    drawPlane(byId(net), scene, field, scene.resolution, scene.resolution);
    byId(`${net}-numbers`).textContent = `test loss ${formatNumber(numbers.test_loss, 3)} · test accuracy ${formatPercent(numbers.test_accuracy)} · train ${formatPercent(numbers.train_accuracy)}`;
  }
}

const column = (at) => history.filter((_, index) => index % 5 === at);

const showLoss = throttled(() => {
  const logx = byId("logx").checked;
  const epochs = column(0);
  const x = logx ? epochs.map(logEpoch) : epochs;
  const traces = NETS.flatMap((net, at) =>
    ["train", "test"].map((side, k) => ({
      x,
      y: column(1 + 2 * at + k),
      name: `${net}, ${side}`,
      mode: "lines",
      customdata: epochs,
      line: { color: series()[COLOURS[net]], width: side === "test" ? 2.2 : 1.2, dash: side === "test" ? "solid" : "dot" },
      hovertemplate: `${net}, ${side}: %{y:.4g} at epoch %{customdata}<extra></extra>`,
    })),
  );
  draw(byId("loss"), traces, {
    xaxis: { title: { text: "epoch" }, ...(logx ? logEpochAxis(epochs.at(-1) ?? 1) : {}) },
    yaxis: logAxis(traces.flatMap((trace) => trace.y)),
    showlegend: true,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
    margin: { l: 48, r: 8, t: 56, b: 44 },
    uirevision: String(logx),
  });
}, 250);

/** Regularizers that are turned on, each beside none: with one these are both nets. */
function sweep() {
  const { l2, l1, dropout, label_smoothing } = values();
  const on = Object.entries({ l2, l1, dropout, label_smoothing }).filter(([, strength]) => strength > 0);
  return Object.fromEntries(on.map(([name, strength]) => [`regularization.${name}`, [0, strength]]));
}

async function keep() {
  const { l2, l1, dropout, label_smoothing, seed, ...dataset } = values();
  const spec = {
    name: "From the playground",
    tags: ["playground"],
    dataset: { name: "two_moons", ...dataset },
    model: { hidden: [64, 64] },
    optimizer: { name: "sgd", schedule: { lr: 0.15, alpha: 1, tau: 50000 } },
    sweep: sweep(),
    training: { epochs: 6000, batch_size: 32, eval_every: 20 },
    probes: { boundary: { snapshots: 24 } },
    seeds: [seed],
  };
  try {
    const made = await call("POST", "/v1/experiments", spec);
    window.location.assign(at(`/experiments/${made.id}`));
  } catch (error) {
    say(error.message, true);
  }
}

const soon = debounced(start, 250);
form.addEventListener("input", () => {
  showKnobs();
  soon();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
byId("stop").addEventListener("click", () => stop("Stopped."));
byId("keep")?.addEventListener("click", keep);
byId("logx").addEventListener("change", () => showLoss());
drawScale(byId("scale"));
drawMarks(byId("key"));
onThemeChange(() => {
  drawMarks(byId("key"));
  showFrame();
  showLoss();
});
window.addEventListener("pagehide", () => source?.close());
document.addEventListener("visibilitychange", () => document.hidden && source && stop("Stopped, as the page was hidden."));
showKnobs();
enable();
await plotly();
start();

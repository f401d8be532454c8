// The page of one experiment: keeps what is shown in step with the server's events.

import { fitActions, wireActions } from "./actions.js";
import { holdAnchor } from "./anchor.js";
import { BoundaryView } from "./boundary.js";
import { CalibrationView } from "./calibration.js";
import { CurvesView } from "./curves.js";
import { byId, data, enable, formatNumber, formatPercent, make, say, throttled, whenNear } from "./dom.js";
import { FiguresView } from "./figures.js";
import { get } from "./http.js";
import { Selection } from "./selection.js";
import { SpectrumView } from "./spectrum.js";
import { CurveStore } from "./store.js";
import { openStream } from "./stream.js";
import { wireTabs } from "./tabs.js";
import { WeightsView } from "./weights.js";

const TERMINAL = ["succeeded", "failed", "cancelled"];
const experiment = data("data");
const base = `/v1/experiments/${experiment.id}`;
const runs = new Map(experiment.runs.map((run) => [run.id, run]));
const store = new CurveStore([...runs.keys()]);
const curves = new CurvesView(byId("curves"), experiment.runs, experiment.colours, store);
// A token that only reads has no buttons that change anything.
const mayAct = byId("actions") !== null;
/** @type {{ close: () => void } | null} */
let stream = null;

// Parts that show finished runs; each is made when it first comes near the window.
const parts = [
  { id: "calibration", make: () => new CalibrationView(experiment.id), fits: (run) => run.probabilities },
  { id: "boundary", make: () => new BoundaryView(), fits: (run) => run.boundary },
  { id: "weights", make: () => new WeightsView(), fits: () => true },
  { id: "spectrum", make: () => new SpectrumView(store, experiment.timeColours), fits: (run) => run.spectrum },
  { id: "figures", make: () => new FiguresView(byId("figures"), experiment.id), fits: () => true },
];

async function refreshPart(part) {
  const finished = experiment.runs.filter((run) => run.state === "succeeded" && part.fits(run));
  const section = byId(part.id);
  section.querySelector("[data-empty]").hidden = finished.length > 0;
  section.querySelector("[data-content]").hidden = finished.length === 0;
  if (!finished.length || !part.near) return;
  part.view ??= part.make();
  try {
    await part.view.update(finished);
  } catch (error) {
    say(error.message, true);
  }
}

const refreshParts = throttled(() => parts.forEach(refreshPart), 1500);

function showRun(run) {
  const row = document.querySelector(`[data-run="${run.id}"]`);
  const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
  const badge = make("span", { className: "badge", textContent: run.state, dataset: { state: run.state } });
  cell("state").replaceChildren(badge);
  if (run.error) cell("state").append(" ", make("span", { className: "wrong", textContent: `${run.error.detail} ${run.error.remedy ?? ""}` }));
  cell("epoch").textContent = run.epoch;
  row.querySelector("progress").value = run.progress;
}

function showLatest(columns) {
  columns.run_id.forEach((id, at) => {
    // Of a finished run the kept network is shown, which may be an earlier one.
    if (runs.get(id)?.state === "succeeded") return;
    showNumbers(id, (name) => columns[name][at]);
  });
}

function showNumbers(id, value) {
  const cell = (name) => document.querySelector(`[data-run="${id}"] [data-cell="${name}"]`);
  cell("train_loss").textContent = formatNumber(value("train_loss"));
  cell("test_loss").textContent = formatNumber(value("test_loss"));
  cell("test_accuracy").textContent = formatPercent(value("test_accuracy"));
}

function moved(changes) {
  for (const change of changes) {
    const run = runs.get(change.id);
    if (!run) continue;
    const finished = change.state === "succeeded" && run.state !== "succeeded";
    Object.assign(run, change);
    showRun(run);
    if (finished) showSummary(run);
  }
}

async function showSummary(run) {
  const { summary } = await get(`/v1/runs/${run.id}`);
  if (summary?.final) {
    showNumbers(run.id, (name) => summary.final[name]);
    const kept = summary.final.epoch;
    const cell = document.querySelector(`[data-run="${run.id}"] [data-cell="epoch"]`);
    if (kept !== run.epoch) cell.textContent = `${kept} of ${run.epoch}`;
  }
  const cell = document.querySelector(`[data-run="${run.id}"] [data-cell="ece"]`);
  cell.textContent = formatNumber(summary?.ece);
}

function onState(event) {
  const changed = event.state !== experiment.state;
  experiment.state = event.state;
  const badge = byId("state");
  badge.textContent = event.state;
  badge.dataset.state = event.state;
  byId("progress").value = event.progress;
  byId("counts").textContent = Object.entries(event.counts)
    .filter(([, count]) => count)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
  moved(event.runs);
  if (mayAct) fitActions(event.counts);
  refreshParts();
  if (!TERMINAL.includes(event.state)) return;
  stream?.close();
  stream = null;
  curves.update();
  if (changed) say(`The experiment has ${event.state === "cancelled" ? "been cancelled" : event.state}.`);
}

// Events wait for the reading before them, or what they add would be lost when it replaces all.
let read = Promise.resolve();

function onMetrics(event) {
  read = read.then(async () => {
    // A snapshot holds the latest evaluations only: what came before is read anew.
    if (event.snapshot) await loadCurves();
    store.add(event.columns);
    showLatest(event.columns);
    curves.update();
  });
}

async function loadCurves() {
  try {
    await store.load([experiment.id]);
  } catch (error) {
    say(error.message, true);
  }
}

function watch() {
  stream ??= openStream(`${base}/events`, {
    link: showLink,
    metrics: onMetrics,
    progress: (event) => {
      byId("progress").value = event.progress;
      moved(event.runs);
    },
    state: onState,
    deleted: () => {
      stream?.close();
      say("The experiment was deleted.", true);
      if (mayAct) byId("actions").hidden = true;
    },
  });
}

function showLink(link) {
  const element = byId("link");
  element.dataset.link = link;
  element.hidden = link === "idle";
  element.textContent = link === "live" ? "live" : "connection lost, trying again";
}

function wireCompare() {
  byId("compare-button").disabled = true;
  const boxes = () => [...document.querySelectorAll('#runs input[name="run"]:checked')];
  byId("runs").addEventListener("change", () => (byId("compare-button").disabled = !boxes().length));
  byId("compare").addEventListener("submit", (event) => {
    // Ids of hundreds of runs would be too long an address.
    event.preventDefault();
    const ticked = boxes().map((box) => runs.get(box.value));
    window.location.assign(new Selection(ticked, { [experiment.id]: runs.size }).address);
  });
}

for (const part of parts) {
  const bound = document.querySelectorAll(`[data-needs="${part.id}"]`);
  const needed = !bound.length || experiment.runs.some(part.fits);
  for (const element of bound) element.hidden = !needed;
  if (needed) {
    whenNear(byId(part.id), () => {
      part.near = true;
      refreshPart(part);
    });
  }
}

const counts = {};
for (const run of experiment.runs) counts[run.state] = (counts[run.state] ?? 0) + 1;
if (mayAct) {
  fitActions(counts);
  wireActions(experiment, (changed) => {
    onState({ ...changed, runs: changed.runs });
    watch();
  });
}
wireTabs(document.querySelector('#spec [role="tablist"]'), byId("copy"));
wireCompare();
parts.forEach(refreshPart);
holdAnchor();
enable();
// The stream's first event has the curves read, so that none between the two is lost.
if (!TERMINAL.includes(experiment.state)) watch();
else loadCurves().then(() => curves.draw());

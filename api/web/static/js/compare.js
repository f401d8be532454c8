// Comparison: overlaid curves, adding and removing sweep points, equal fields on demand.

import { ArmsView, askedTest } from "./arms.js";
import { CurvesView, swatch } from "./curves.js";
import { byId, data, debounced, enable, make, plural, say } from "./dom.js";
import { getText } from "./http.js";
import { Selection } from "./selection.js";
import { CurveStore } from "./store.js";
import { onThemeChange, themeName } from "./theme.js";

const { runs, sizes, limits, colours } = data("data");
const selection = new Selection(runs, sizes);
const go = () => window.location.assign([selection.address, askedTest()].filter(Boolean).join(selection.chosen.size ? "&" : "?"));

/** Number of compared sweep points and runs, those of one experiment not counted. */
function others(experiment) {
  const rest = runs.filter((run) => run.experiment_id !== experiment);
  return { points: new Set(rest.map((run) => run.group)).size, runs: rest.length };
}

/** Why so many more cannot be compared; empty if they can. */
function tooMany(experiment, points, count) {
  const there = others(experiment);
  if (there.points + points > limits.points) return `${plural(there.points + points, "sweep point")} would be more than ${limits.points}: pick some.`;
  if (there.runs + count > limits.runs) return `${plural(there.runs + count, "run")} would be more than ${limits.runs}: pick fewer sweep points.`;
  return "";
}

if (runs.length) {
  const store = new CurveStore(runs.map((run) => run.id));
  const curves = new CurvesView(byId("main"), runs, colours, store);
  const load = async () => {
    try {
      await store.load([...new Set(runs.map((run) => run.experiment_id))]);
      await curves.draw();
    } catch (error) {
      say(error.message, true);
    }
  };
  byId("all-fields").addEventListener("change", (event) => {
    for (const row of document.querySelectorAll("#specs .same")) row.hidden = !event.target.checked;
  });
  byId("metrics").addEventListener("click", (event) => {
    const group = event.target.dataset?.remove;
    if (group === undefined) return;
    const gone = runs.filter((run) => run.group === Number(group));
    selection.remove(gone[0].experiment_id, gone.map((run) => run.index));
    go();
  });
  if (byId("arms-form")) new ArmsView(runs, limits.ranked);
  markBest();
  markColours();
  onThemeChange(markColours);
  load();
  if (runs.some((run) => run.state === "queued" || run.state === "running")) setInterval(load, 4000);
}

function markBest() {
  const rows = [...document.querySelectorAll("#metrics tbody tr")];
  if (rows.length < 2) return;
  document.querySelectorAll("#metrics thead th").forEach((head, column) => {
    if (!head.dataset.best) return;
    const cells = rows.map((row) => row.cells[column]).filter((cell) => cell.dataset.value);
    const best = Math[head.dataset.best](...cells.map((cell) => Number(cell.dataset.value)));
    for (const cell of cells) cell.classList.toggle("best", Number(cell.dataset.value) === best);
  });
}

/** The curves' colours in the heads of the tables. */
function markColours() {
  for (const place of document.querySelectorAll("[data-group]")) {
    const head = place.tagName === "TR" ? place.cells[0] : place;
    head.querySelector("svg")?.remove();
    head.prepend(swatch(colours[themeName()][Number(place.dataset.group)]));
  }
}

async function search() {
  const q = byId("search").value.trim();
  byId("found").innerHTML = await getText(`/compare/found?q=${encodeURIComponent(q)}`);
  const items = [...byId("found").children];
  if (!items.length) byId("found").append(make("li", { className: "hint", textContent: "No experiment fits." }));
  items.forEach(wireFound);
}

function wireFound(item) {
  const id = item.dataset.experiment;
  const size = Number(item.dataset.runs);
  const [all, pick, why] = ["all", "pick", "why"].map((name) => item.querySelector(`[data-${name}]`));
  why.textContent = tooMany(id, Number(item.dataset.points), size);
  why.hidden = !why.textContent;
  all.disabled = Boolean(why.textContent);
  selection.sizes.set(id, size);
  all.addEventListener("click", () => {
    selection.add(id, Array.from({ length: size }, (_, index) => index));
    go();
  });
  pick.addEventListener("click", () => showPoints(id, pick, item.querySelector("[data-place]")).catch((error) => say(error.message, true)));
}

async function showPoints(id, button, place) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  place.hidden = !open;
  if (!open || place.childElementCount) return;
  place.innerHTML = await getText(`/compare/points?experiment=${id}`);
  const boxes = [...place.querySelectorAll("input")];
  const indexes = (box) => box.dataset.indexes.split(",").map(Number);
  const already = (box) => indexes(box).filter((index) => selection.of(id).has(index));
  for (const box of boxes) box.checked = already(box).length > 0;
  const ticked = () => boxes.filter((box) => box.checked);
  // Of a point that is there in part, its seeds stay as they are.
  const wanted = () => ticked().flatMap((box) => (already(box).length ? already(box) : indexes(box)));
  const add = place.querySelector("[data-add]");
  const count = () => {
    const reason = tooMany(id, ticked().length, wanted().length);
    add.disabled = Boolean(reason);
    place.querySelector("[data-count]").textContent = reason || `${others(id).points + ticked().length} of at most ${limits.points} sweep points`;
  };
  place.addEventListener("change", count);
  count();
  add.addEventListener("click", () => {
    selection.set(id, wanted());
    go();
  });
}

const attempt = () => search().catch((error) => say(error.message, true));
byId("search").addEventListener("input", debounced(attempt, 300));
attempt();
enable();

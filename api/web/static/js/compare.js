// Comparison: overlaid curves, adding and removing runs, equal fields on demand.

import { CurvesView } from "./curves.js";
import { byId, data, debounced, make, say } from "./dom.js";
import { get } from "./http.js";
import { CurveStore } from "./store.js";

const { runs, colours } = data("data");
const chosen = runs.map((run) => run.id);

function go(ids) {
  const query = new URLSearchParams(ids.map((id) => ["run", id]));
  window.location.assign(`/compare${ids.length ? `?${query}` : ""}`);
}

if (runs.length) {
  const store = new CurveStore(chosen);
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
    const id = event.target.dataset?.remove;
    if (id) go(chosen.filter((one) => one !== id));
  });
  markBest();
  load();
  if (runs.some((run) => run.state === "queued" || run.state === "running")) setInterval(load, 4000);
}

function markBest() {
  const rows = [...document.querySelectorAll("#metrics tbody tr")];
  if (rows.length < 2) return;
  document.querySelectorAll("#metrics thead th").forEach((head, column) => {
    if (!head.dataset.best) return;
    const cells = rows.map((row) => row.cells[column]);
    const values = cells.map((cell) => parseFloat(cell.textContent));
    const best = Math[head.dataset.best](...values.filter((value) => !Number.isNaN(value)));
    cells.forEach((cell, at) => values[at] === best && cell.classList.add("best"));
  });
}

async function search() {
  const q = byId("search").value.trim();
  const page = await get(`/v1/experiments?limit=8&q=${encodeURIComponent(q)}`);
  const items = page.items.map((item) => {
    const all = make("button", { type: "button", className: "small", textContent: "Add all runs" });
    const pick = make("button", { type: "button", className: "small", textContent: "Pick runs", attrs: { "aria-expanded": "false" } });
    const place = make("div", { hidden: true });
    all.addEventListener("click", async () => go([...new Set([...chosen, ...(await runsOf(item.id)).map((run) => run.id)])]));
    pick.addEventListener("click", () => showRuns(item.id, pick, place));
    const count = Object.values(item.counts).reduce((a, b) => a + b, 0);
    return make(
      "li",
      { className: "pick" },
      make("div", { className: "row" }, make("span", { textContent: item.name || "Unnamed" }), make("span", { className: "hint", textContent: `${count} runs, ${item.state}` }), make("span", { className: "push" }), pick, all),
      place,
    );
  });
  const none = make("p", { className: "hint", textContent: "No experiment fits." });
  byId("found").replaceChildren(items.length ? make("ul", { className: "picks" }, ...items) : none);
}

const runsOf = async (id) => (await get(`/v1/experiments/${id}/runs`)).items;

async function showRuns(id, button, place) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  place.hidden = !open;
  if (!open || place.childElementCount) return;
  const found = await runsOf(id);
  const boxes = found.map((run) => make("input", { type: "checkbox", value: run.id, checked: chosen.includes(run.id) }));
  const label = (run) => Object.entries(run.params).map(([path, value]) => `${path} = ${JSON.stringify(value)}`).join(", ") || "run";
  const add = make("button", { type: "button", className: "small primary", textContent: "Compare these" });
  add.addEventListener("click", () => {
    const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
    const others = chosen.filter((one) => !found.some((run) => run.id === one));
    go([...others, ...ticked]);
  });
  place.append(
    ...found.map((run, at) => make("label", { className: "check" }, boxes[at], `${label(run)}, seed ${run.seed}`)),
    add,
  );
}

const attempt = () => search().catch((error) => say(error.message, true));
byId("search").addEventListener("input", debounced(attempt, 300));
attempt();

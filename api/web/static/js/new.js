// A new experiment: preset, form, estimate, submission.

import { byId, copyText, data, debounced, formatSeconds, make } from "./dom.js";
import { call } from "./http.js";
import { same, valueAt } from "./schema.js";
import { SchemaForm } from "./schema-form.js";

const { schema, start, presets } = data("data");
const ORDER = ["name", "tags", "seeds", "dataset", "model", "optimizer", "regularization", "training", "probes"];
const form = byId("form");
const rest = Object.keys(schema.properties).filter((name) => name !== "sweep" && !ORDER.includes(name));
const fields = new SchemaForm(byId("fields"), schema, [...ORDER, ...rest], () => changed());
const chosenPreset = () => presets.find((preset) => preset.name === form.elements.preset.value);
let turn = 0;

fields.set(start);
estimate();

form.addEventListener("change", (event) => {
  if (event.target.name !== "preset") return;
  fields.set(chosenPreset().spec);
  changed();
});
byId("copy").addEventListener("click", () => copyText(JSON.stringify(request(), null, 2)));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = byId("submit");
  button.disabled = true;
  button.textContent = "Submitting …";
  try {
    const made = await call("POST", "/v1/experiments", request());
    window.location.assign(`/experiments/${made.id}`);
  } catch (error) {
    showProblem(error);
    form.querySelector('[aria-invalid="true"]')?.focus();
    button.disabled = false;
    button.textContent = "Submit";
  }
});

const changed = debounced(() => estimate(), 350);

async function estimate() {
  turn += 1;
  const mine = turn;
  try {
    const found = await call("POST", "/v1/experiments/estimate", request());
    if (mine !== turn) return;
    fields.clearErrors();
    byId("problems").replaceChildren();
    showEstimate(found);
  } catch (error) {
    if (mine !== turn) return;
    byId("estimate").replaceChildren(make("p", { className: "hint", textContent: "Not possible yet: some fields need a change." }));
    showProblem(error);
  }
}

function showEstimate(found) {
  const rows = [
    ["Runs", found.runs.toLocaleString("en")],
    ["Updates", found.steps.toLocaleString("en")],
    ["Longest run", formatSeconds(found.longest_seconds)],
    ["All runs", formatSeconds(found.seconds)],
    ["At once", found.slots || "no worker"],
  ];
  if (found.waiting) rows.push(["Runs ahead", found.waiting.toLocaleString("en")]);
  const basis = found.measured_runs
    ? `From the times of the last ${found.measured_runs} runs here.`
    : "From the size of the arithmetic; sharper once runs have finished here.";
  const dropped = found.dropped.length ? [`Dropped from the preset: ${found.dropped.join(", ")}.`] : [];
  byId("estimate").replaceChildren(
    make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })])),
    make("p", { className: "hint", textContent: found.slots ? basis : `${basis} No worker is alive: runs will wait until one is.` }),
    ...dropped.map((textContent) => make("p", { className: "hint", textContent })),
  );
}

function showProblem(error) {
  const left = fields.showErrors(error.errors ?? []);
  const texts = left.map((one) => `${one.field ? `${one.field}: ` : ""}${one.detail} ${one.remedy}`);
  if (!error.errors?.length) texts.push(error.message);
  const count = (error.errors?.length ?? 0) - left.length;
  if (count) texts.unshift(count === 1 ? "One field needs a change." : `${count} fields need a change.`);
  byId("problems").replaceChildren(...texts.map((text) => make("p", { className: "wrong", textContent: text })));
}

/** The body of the submission: the preset with what was changed, else the whole spec. */
function request() {
  const document = fields.document;
  const preset = chosenPreset();
  const overrides = preset && difference(preset.spec, document);
  return overrides ? { preset: preset.name, overrides } : document;
}

/** Overrides that turn `base` into `document`, or null where they cannot. */
function difference(base, document) {
  const overrides = {};
  if (base.dataset.name !== document.dataset?.name) overrides.dataset = { ...kept(base.dataset), ...document.dataset };
  const [before, after] = [base, document].map((one) => flat(one, "dataset" in overrides));
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (same(before[path], after[path])) continue;
    if (path in after) overrides[path] = after[path];
    else if (!reset(path, document, overrides)) return null;
  }
  return overrides;
}

/** Defaults of what the preset's dataset sets and the chosen one has, too: it would be kept. */
function kept(dataset) {
  const found = Object.keys(dataset).map((name) => [name, fields.defaults.get(`dataset.${name}`)]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** The preset sets what the form does not: override it, or the part it was in, with the default. */
function reset(path, document, overrides) {
  if (path === "sweep") {
    overrides.sweep = {};
    return true;
  }
  const parts = path.split(".");
  for (let length = 1; length <= parts.length; length += 1) {
    const prefix = parts.slice(0, length);
    const dotted = prefix.join(".");
    if (valueAt(document, prefix) === null) return true;
    if (valueAt(document, prefix) === undefined && fields.defaults.get(dotted) !== undefined) {
      overrides[dotted] = fields.defaults.get(dotted);
      return true;
    }
  }
  return false;
}

function flat(document, withoutDataset, prefix = "") {
  const found = {};
  for (const [name, value] of Object.entries(document)) {
    const path = prefix + name;
    if (path === "dataset" && withoutDataset) continue;
    const isPart = value !== null && typeof value === "object" && !Array.isArray(value) && path !== "sweep";
    if (isPart && Object.keys(value).length) Object.assign(found, flat(value, false, `${path}.`));
    else found[path] = value;
  }
  return found;
}

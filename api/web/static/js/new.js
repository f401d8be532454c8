// A new experiment: preset, form, estimate, submission.

import { byId, copyText, data, debounced, enable, formatSeconds, make } from "./dom.js";
import { carried, Draft, flat } from "./draft.js";
import { at, call } from "./http.js";
import { same, valueAt } from "./schema.js";
import { SchemaForm } from "./schema-form.js";

const { schema, start, presets } = data("data");
const ORDER = ["name", "tags", "seeds", "dataset", "model", "optimizer", "regularization", "training", "probes"];
const form = byId("form");
const rest = Object.keys(schema.properties).filter((name) => name !== "sweep" && !ORDER.includes(name));
const fields = new SchemaForm(byId("fields"), schema, [...ORDER, ...rest], () => changed());
const chosenPreset = () => presets.find((preset) => preset.name === form.elements.preset.value);
const draft = new Draft(`new${window.location.search}`);
// What the document was before anything was changed in it.
let base = start;
let turn = 0;

const kept = draft.read();
if (kept) {
  form.elements.preset.value = kept.preset;
  base = kept.base;
  tell("This is your earlier draft.");
}
try {
  fields.set(kept?.document ?? start);
} catch {
  // A draft of another version.
  draft.drop();
  base = start;
  fields.set(start);
  tell("Your earlier draft cannot be read, and was dropped.");
}
estimate();

form.addEventListener("change", (event) => {
  if (event.target.name !== "preset") return;
  const { document, left } = carried(base, fields.document, chosenPreset().spec, schema);
  base = chosenPreset().spec;
  fields.set(document);
  tell(same(document, base) ? "" : "Your changes are kept.", left);
  changed();
});
byId("anew").addEventListener("click", () => {
  base = chosenPreset()?.spec ?? start;
  fields.set(base);
  tell("");
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
    draft.drop();
    window.location.assign(at(`/experiments/${made.id}`));
  } catch (error) {
    showProblem(error);
    form.querySelector('[aria-invalid="true"]')?.focus();
    button.disabled = false;
    button.textContent = "Submit";
  }
});

const changed = debounced(() => {
  keepDraft();
  estimate();
}, 350);
enable();

function keepDraft() {
  if (same(fields.document, base)) draft.drop();
  else draft.write({ preset: form.elements.preset.value, base, document: fields.document });
}

/** A word about the draft above the form; nothing if there is none. */
function tell(text, left = []) {
  const dropped = left.length ? ` Left out, as this preset has no such field or sweeps it: ${left.join(", ")}.` : "";
  byId("draft").firstElementChild.textContent = text + dropped;
  byId("draft").hidden = !text && !dropped;
}

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
    byId("estimate").replaceChildren(make("p", { className: "hint", textContent: "Not possible yet: some fields have to be changed." }));
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
    ? `From the times of the last ${found.measured_runs === 1 ? "run" : `${found.measured_runs} runs`} here.`
    : "Estimated from the number of operations; more precise once runs have finished here.";
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
  if (count) texts.unshift(count === 1 ? "One field has to be changed." : `${count} fields have to be changed.`);
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
  if (base.dataset.name !== document.dataset?.name) overrides.dataset = { ...defaultsOf(base.dataset), ...document.dataset };
  const [before, after] = [base, document].map((one) => flat(one, "dataset" in overrides));
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    // The sweep has the say over what it sweeps; a field both set and swept is refused.
    if (same(before[path], after[path]) || isSwept(path, document)) continue;
    if (path in after) overrides[path] = after[path];
    else if (!reset(path, document, overrides)) return null;
  }
  return withoutEmpty(overrides);
}

/** An empty part sets nothing where fields of it, or the part as null, are set beside it. */
function withoutEmpty(overrides) {
  const paths = Object.keys(overrides);
  const isEmpty = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !Object.keys(value).length;
  const dropped = paths.filter((path) => isEmpty(overrides[path]) && paths.some((other) => other.startsWith(`${path}.`)));
  return Object.fromEntries(Object.entries(overrides).filter(([path]) => !dropped.includes(path)));
}

function isSwept(path, document) {
  return Object.keys(document.sweep ?? {}).some((swept) => `${path}.`.startsWith(`${swept}.`));
}

/** Defaults of what the preset's dataset sets and the chosen one has, too: it would be kept. */
function defaultsOf(dataset) {
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

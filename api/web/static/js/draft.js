// What was typed into a form: kept over reloads, and carried from one preset to another.

import { classify, same, setAt, tagOf, valueAt } from "./schema.js";

/** A JSON value that lives as long as the browser's tab. */
export class Draft {
  constructor(name) {
    this.name = name;
  }

  read() {
    try {
      return JSON.parse(sessionStorage.getItem(this.name) ?? "null");
    } catch {
      return null;
    }
  }

  write(value) {
    sessionStorage.setItem(this.name, JSON.stringify(value));
  }

  drop() {
    sessionStorage.removeItem(this.name);
  }
}

/** A document as values by dotted path; lists and the sweep are values. */
export function flat(document, withoutDataset, prefix = "") {
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

/**
 * What was changed between two documents, laid over a third.
 * @returns `document`, and in `left` the paths that it has no place for.
 */
export function carried(before, after, onto, schema) {
  const [old, now] = [before, after].map((one) => flat(one, false));
  const document = structuredClone(onto);
  const left = [];
  const paths = new Set([...Object.keys(old), ...Object.keys(now)]);
  // A kind that was chosen decides which fields there are: it comes first.
  const isKind = (path) => path.endsWith(".name");
  for (const path of [...paths].sort((a, b) => isKind(b) - isKind(a))) {
    if (same(old[path], now[path])) continue;
    const parts = path.split(".");
    if (isKind(path)) setAt(document, parts.slice(0, -1), { name: now[path] });
    else if (path in (document.sweep ?? {}) || !has(schema, document, parts)) left.push(path);
    else setAt(document, parts, now[path]);
  }
  return { document, left };
}

/** Whether a document of this schema, with the kinds that it has chosen, has a field there. */
function has(schema, document, parts) {
  let raw = schema;
  for (const [depth, part] of parts.entries()) {
    const found = classify(raw, schema);
    const chosen = valueAt(document, parts.slice(0, depth));
    const node = found.kind === "choice" ? found.options.find((option) => tagOf(option)[1] === chosen?.[tagOf(option)[0]]) : found.node;
    raw = node?.properties?.[part];
    if (raw === undefined) return false;
  }
  return true;
}

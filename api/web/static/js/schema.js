// Reading a JSON schema as Pydantic writes it.

/** The schema behind references, keeping what stands beside them. */
export function resolved(node, root) {
  let found = node;
  while (found.$ref) {
    const { $ref, ...beside } = found;
    found = { ...root.$defs[$ref.split("/").at(-1)], ...beside };
  }
  return found;
}

/**
 * What a field is: { kind, node, options, optional, on }.
 * Kinds: object, choice (one of several objects told apart by a constant), enum, boolean, number,
 * string, list, map.
 */
export function classify(raw, root) {
  const node = resolved(raw, root);
  const variants = (node.anyOf ?? node.oneOf ?? []).map((one) => resolved(one, root));
  const some = variants.filter((one) => one.type !== "null");
  const optional = some.length < variants.length;
  if (variants.length && some.length === 0) return { kind: "none", node, optional: true };
  if (some.length === 1) {
    const inner = classify({ ...some[0], description: node.description ?? some[0].description }, root);
    // Without a default the model has a factory: the part is on unless it is turned off.
    return { ...inner, optional: true, on: !("default" in node) || node.default !== null, default: node.default };
  }
  if (some.length > 1) {
    // A union inside an optional field is one level deeper.
    const options = some.flatMap((one) => (one.oneOf ?? [one]).map((each) => resolved(each, root)));
    if (options.every((one) => one.type === "object")) {
      return { kind: "choice", node, options, optional, on: !optional || node.default !== null };
    }
    return { kind: "string", node, optional, default: node.default };
  }
  if (node.const !== undefined) return { kind: "constant", node };
  if (node.enum) return { kind: "enum", node, default: node.default };
  if (node.type === "null") return { kind: "none", node, optional: true };
  if (node.type === "array") return { kind: "list", node, default: node.default };
  if (node.type === "object") return { kind: node.properties ? "object" : "map", node };
  if (node.type === "integer" || node.type === "number") return { kind: "number", node, default: node.default };
  return { kind: node.type === "boolean" ? "boolean" : "string", node, default: node.default };
}

/**
 * The constant that tells an option from the others.
 *
 * @returns {[string, any]} Field and value.
 */
export function tagOf(option) {
  const [field, node] = /** @type {[string, any]} */ (
    Object.entries(option.properties).find(([, one]) => one.const !== undefined)
  );
  return [field, node.const];
}

/** What a number may be, in words. */
export function bounds(node) {
  const parts = [];
  if (node.minimum !== undefined) parts.push(`at least ${node.minimum}`);
  if (node.exclusiveMinimum !== undefined) parts.push(`more than ${node.exclusiveMinimum}`);
  if (node.maximum !== undefined) parts.push(`at most ${node.maximum}`);
  if (node.exclusiveMaximum !== undefined) parts.push(`less than ${node.exclusiveMaximum}`);
  return parts.join(", ");
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// Names that stand for a word or a symbol.
const NAMES = {
  alpha: "Alpha (α)", beta1: "Beta 1 (β₁)", beta2: "Beta 2 (β₂)", eps: "Epsilon", l1: "L1 (λ₁)", l1_method: "L1 method", l2: "L2 (λ₂)",
  lr: "Learning rate", mc_dropout: "Monte Carlo dropout", min_delta: "Least improvement", ema: "EMA", gelu: "GELU", rmsprop: "RMSprop", sam: "SAM", swa: "SWA", sgd: "SGD", sigma: "Sigma (σ)", std: "Standard deviation", tau: "Tau (τ)",
};

export const words = (name) => NAMES[name] ?? capital(name.replaceAll("_", " "));

/** The same within a sentence. */
export const inside = (name) => NAMES[name] ?? name.replaceAll("_", " ");

/** Reads one typed value: a number, true, false, null, JSON, or else the text itself. */
export function parseValue(text) {
  const trimmed = text.trim();
  if (trimmed === "none") return null;
  try {
    return JSON.parse(trimmed);
  } catch {
    return trimmed;
  }
}

/** Values separated by commas, where brackets and quotes keep theirs. */
export function parseList(text) {
  try {
    return JSON.parse(`[${text}]`);
  } catch {
    return text
      .split(",")
      .filter((part) => part.trim() !== "")
      .map(parseValue);
  }
}

export const listText = (values) =>
  (values ?? []).map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(", ");

// Seeds are written as on the command line: how many, a list, or ranges.

const MOST_SEEDS = 10_000;

export function parseSeeds(text) {
  const range = (first, last) =>
    last >= first && last - first < MOST_SEEDS ? Array.from({ length: last - first + 1 }, (_, at) => first + at) : null;
  if (/^\d+$/.test(text)) return range(0, Number(text) - 1) ?? [text];
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)
    .flatMap((part) => {
      const [, first, last] = part.match(/^(\d+)\s*-\s*(\d+)$/) ?? [];
      return (first !== undefined && range(Number(first), Number(last))) || [parseValue(part)];
    });
}

export function seedsText(seeds) {
  if (seeds.length && seeds.every((seed, at) => seed === at)) return String(seeds.length);
  return seeds.length === 1 ? `${seeds[0]}-${seeds[0]}` : listText(seeds);
}

// Documents by dotted path.

export function valueAt(document, path) {
  return path.reduce((node, part) => (node === null || node === undefined ? undefined : node[part]), document);
}

export function setAt(document, path, value) {
  let node = document;
  for (const part of path.slice(0, -1)) {
    if (typeof node[part] !== "object" || node[part] === null) node[part] = {};
    node = node[part];
  }
  if (value === undefined) delete node[path.at(-1)];
  else node[path.at(-1)] = value;
}

export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

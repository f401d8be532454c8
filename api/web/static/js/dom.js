// Small helpers around the document.

export const byId = (id) => document.getElementById(id);

export const data = (id) => JSON.parse(byId(id).textContent);

/**
 * An element with properties, attributes (as `attrs`) and children.
 *
 * @param {string} tag
 * @param {Record<string, any>} properties
 * @param {...(Node | string | null | undefined)} children Of which none counts as left out.
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const { attrs = {}, dataset = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
  Object.assign(element.dataset, dataset);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Calls `work` at most once in `milliseconds`, with the last arguments.
 *
 * @template {any[]} A
 * @param {(...args: A) => void} work
 * @param {number} milliseconds
 */
export function throttled(work, milliseconds) {
  /** @type {number | null} */
  let waiting = null;
  /** @type {A} */
  let latest;
  let last = -Infinity;
  return (/** @type {A} */ ...args) => {
    latest = args;
    if (waiting !== null) return;
    const pause = Math.max(0, last + milliseconds - performance.now());
    waiting = setTimeout(() => {
      waiting = null;
      last = performance.now();
      work(...latest);
    }, pause);
  };
}

/**
 * Calls `work` once nothing was asked for during `milliseconds`.
 *
 * @template {any[]} A
 * @param {(...args: A) => void} work
 * @param {number} milliseconds
 */
export function debounced(work, milliseconds) {
  let waiting;
  return (/** @type {A} */ ...args) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => work(...args), milliseconds);
  };
}

/** Lets the parts that only scripts run be used; until then clicks on them would be lost. */
export function enable() {
  for (const part of document.querySelectorAll(".scripted[inert]")) part.inert = false;
}

/** A message at the corner, read aloud by screen readers. */
export function say(text, bad = false) {
  const message = make("div", { textContent: text, className: bad ? "bad" : "" });
  byId("messages").append(message);
  setTimeout(() => message.remove(), bad ? 9000 : 5000);
}

/** Asks before something is done; resolves to true or false. */
export function confirmed(title, text, action) {
  const dialog = make("dialog", { attrs: { "aria-labelledby": "dialog-title" } });
  const no = make("button", { type: "button", textContent: "Keep" });
  const yes = make("button", { type: "button", textContent: action, className: "danger" });
  dialog.append(
    make("h2", { id: "dialog-title", textContent: title }),
    make("p", { textContent: text }),
    make("div", { className: "row" }, no, yes),
  );
  document.body.append(dialog);
  return new Promise((resolve) => {
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => dialog.close("yes"));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}

/** Calls `work` once, when the element first comes near the window. */
export function whenNear(element, work) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      work();
    },
    { rootMargin: "400px" },
  );
  observer.observe(element);
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard object to write to.
    const area = make("textarea", { value: text, attrs: { "aria-hidden": "true" } });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say("Copied.");
}

export const formatNumber = (value, digits = 4) =>
  value === null || value === undefined || Number.isNaN(value)
    ? "–"
    : (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) && value !== 0
      ? // As the server writes it: significant digits without zeros at the end.
        (Math.abs(value) < 1 ? value.toPrecision(digits) : value.toExponential(digits - 1)).replace(/\.?0+(?=e|$)/, "")
      : value.toFixed(digits);

export const formatPercent = (value, digits = 1) =>
  value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`;

/** A number with its noun. */
export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export function formatSeconds(seconds) {
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

// Calls of the API; every error is a Problem with the server's own words.

const UNREACHABLE = { detail: "The server cannot be reached. Is it running?" };

export class Problem extends Error {
  /**
   * @param {number} status Of the answer; 0 if there was none.
   * @param {Record<string, any>} document
   */
  constructor(status, document) {
    super(document.detail || document.title || `The server answered ${status}.`);
    this.status = status;
    this.errors = document.errors || [];
    this.requestId = document.request_id || "";
  }
}

// There is one if the browser is signed in; without it the cookie changes nothing.
const csrf = document.querySelector('meta[name="csrf-token"]')?.content;

/** The address of a path of this server, which may stand below a proxy. */
export const root = document.documentElement.dataset.root ?? "";
export const at = (path) => root + path;

let reading = new AbortController();
let permitted = Promise.resolve();

/**
 * Stop whatever the page is reading, so that nothing is asked of what is deleted next.
 *
 * @returns {() => void} Reads all of it anew.
 */
export function pauseReading() {
  const images = [...document.images].filter((image) => !image.complete).map((image) => ({ image, src: image.src }));
  let permit;
  permitted = new Promise((resolve) => (permit = resolve));
  reading.abort();
  for (const { image } of images) image.removeAttribute("src");
  return () => {
    reading = new AbortController();
    for (const { image, src } of images) image.src = src;
    permit();
  };
}

/**
 * What the server answers; rejects with a Problem where it refuses.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] Sent as JSON.
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, signal) {
  /** @type {{ method: string, headers: Record<string, string>, body?: string, signal?: AbortSignal }} */
  const options = { method, headers: { Accept: "application/json" }, signal };
  if (csrf && method !== "GET") options.headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(at(path), options);
  } catch {
    throw new Problem(0, UNREACHABLE);
  }
  if (reply.status === 204) return null;
  // What was typed into a page is not lost to a session that ended: only reading leads away.
  if (reply.status === 401 && method === "GET") signInAgain();
  const kind = reply.headers.get("Content-Type") || "";
  const answer = kind.includes("json") ? await reply.json() : { detail: await reply.text() };
  if (!reply.ok) throw new Problem(reply.status, answer);
  return answer;
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function get(path) {
  await permitted;
  const { signal } = reading;
  try {
    return await call("GET", path, undefined, signal);
  } catch (error) {
    if (signal.aborted) return get(path);
    throw error;
  }
}

/** A part of a page as the server renders it. */
export async function getText(path) {
  const reply = await fetch(at(path), { headers: { Accept: "text/plain" } }).catch(() => {
    throw new Problem(0, UNREACHABLE);
  });
  if (reply.status === 401) signInAgain();
  if (!reply.ok) throw new Problem(reply.status, await reply.json().catch(() => ({})));
  return reply.text();
}

// A form on its way, such as the one that signs out, leads elsewhere by itself.
let leaving = false;
window.addEventListener("submit", (event) => (leaving = !event.defaultPrevented));

function signInAgain() {
  if (leaving) return;
  const here = location.pathname.slice(root.length) + location.search;
  location.assign(at(`/sign-in?${new URLSearchParams({ next: here })}`));
}

/** Whether the browser is still signed in; if not, the sign-in page comes. */
export const checkSession = () => (csrf ? get("/v1/presets").catch(() => {}) : null);

const kept = new Map();

/** Like `get`, but asks once a page for each path; for results that never change. */
export function getOnce(path) {
  if (!kept.has(path)) {
    const asked = get(path);
    asked.catch(() => kept.delete(path));
    kept.set(path, asked);
  }
  return kept.get(path);
}

// Calls of the API; every error is a Problem with the server's own words.

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `The server answered ${status}.`);
    this.status = status;
    this.errors = document.errors || [];
    this.requestId = document.request_id || "";
  }
}

export async function call(method, path, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Problem(0, { detail: "The server cannot be reached. Is it running?" });
  }
  if (reply.status === 204) return null;
  const kind = reply.headers.get("Content-Type") || "";
  const answer = kind.includes("json") ? await reply.json() : { detail: await reply.text() };
  if (!reply.ok) throw new Problem(reply.status, answer);
  return answer;
}

export const get = (path) => call("GET", path);

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

// The event stream of an experiment: reconnects, resumes, and rests while the page is hidden.

import { at, checkSession } from "./http.js";

const LONGEST_WAIT = 10_000;

/**
 * @param {string} path Address of the stream.
 * @param {Record<string, (of: any) => void>} handlers `metrics`, `progress`, `state`, `deleted` with
 *   the event's data, `link` with "live", "lost" or "idle".
 */
export function openStream(path, handlers) {
  /** @type {EventSource | null} */
  let source = null;
  let wait = 500;
  let timer;
  let closed = false;

  const heard = () => {
    wait = 500;
    handlers.link("live");
  };

  function connect() {
    clearTimeout(timer);
    if (closed || document.hidden) return;
    source?.close();
    const opened = new EventSource(at(path));
    source = opened;
    opened.addEventListener("open", heard);
    for (const name of ["metrics", "progress", "state", "deleted"]) {
      opened.addEventListener(name, (event) => {
        heard();
        handlers[name]?.(JSON.parse(event.data));
      });
    }
    opened.addEventListener("error", () => {
      if (closed) return;
      handlers.link("lost");
      // The browser gives up on anything but a dropped connection, so the retrying is ours.
      opened.close();
      checkSession();
      timer = setTimeout(connect, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    });
  }

  const onVisibility = () => {
    if (document.hidden) {
      // A browser allows six connections to a server; hidden pages must not take them.
      source?.close();
      clearTimeout(timer);
      handlers.link("idle");
    } else connect();
  };
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("online", connect);
  connect();

  return {
    close() {
      closed = true;
      clearTimeout(timer);
      source?.close();
      document.removeEventListener("visibilitychange", onVisibility);
      window.removeEventListener("online", connect);
      handlers.link("idle");
    },
  };
}

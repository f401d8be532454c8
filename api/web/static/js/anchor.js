// A link to a part of the page leads there although parts above it still grow.

const HOLD_MILLISECONDS = 10_000;

/** Keep the part that the address names in place until the reader moves, or all has settled. */
export function holdAnchor() {
  /** @type {HTMLElement | null} */
  let target = null;
  let timer;
  const release = () => (target = null);
  const hold = () => {
    target = document.getElementById(window.location.hash.slice(1));
    target?.scrollIntoView();
    clearTimeout(timer);
    timer = setTimeout(release, HOLD_MILLISECONDS);
  };
  for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) window.addEventListener(name, release, { passive: true });
  window.addEventListener("hashchange", hold);
  // The same link again does not change the address.
  document.addEventListener("click", (event) => event.target instanceof Element && event.target.closest('a[href^="#"]') && setTimeout(hold));
  new ResizeObserver(() => target?.scrollIntoView()).observe(document.getElementById("main"));
  hold();
}

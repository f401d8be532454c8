// The list: filters apply as they are changed, rows are added by scrolling, states stay fresh.

import { byId, debounced, make } from "./dom.js";
import { at, get } from "./http.js";

const form = byId("filters");
const apply = () => form.requestSubmit();
form.addEventListener("change", (event) => {
  if (event.target.name !== "q") apply();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  for (const [name, value] of [...query]) if (!value || value === "-created") query.delete(name);
  window.location.assign(at(`/experiments${query.size ? `?${query}` : ""}`));
});
form.elements.q.addEventListener("search", apply);
form.elements.q.addEventListener("input", debounced(apply, 700));
// What was chosen before this script ran.
const first = (select) => Math.max([...select.options].findIndex((one) => one.defaultSelected), 0);
const isChosen = (control) => (control.options ? control.selectedIndex !== first(control) : control.value !== control.defaultValue);
if ([form.elements.q, ...form.querySelectorAll("select")].some(isChosen)) apply();

const rows = byId("rows");
if (rows) {
  wireCompare();
  wireMore();
  setInterval(refresh, 2000);
}

function wireCompare() {
  const count = () => rows.querySelectorAll('input[name="experiment"]:checked').length;
  const update = () => (byId("compare-button").disabled = count() === 0);
  rows.addEventListener("change", update);
  update();
}

function wireMore() {
  const link = rows.querySelector("[data-more]");
  if (!link) return;
  let asked = false;
  const load = async () => {
    if (asked) return;
    asked = true;
    link.textContent = "Loading …";
    try {
      const reply = await fetch(`${link.href}&part=rows`);
      if (!reply.ok) throw new Error(String(reply.status));
      const holder = make("template");
      holder.innerHTML = await reply.text();
      link.closest("li").replaceWith(holder.content);
      wireMore();
    } catch {
      asked = false;
      link.textContent = "Could not load; try again";
    }
  };
  link.addEventListener("click", (event) => {
    event.preventDefault();
    load();
  });
  new IntersectionObserver((entries, observer) => {
    if (!entries[0].isIntersecting) return;
    observer.disconnect();
    load();
  }, { rootMargin: "300px" }).observe(link);
}

/** Read the newest experiments and renew the rows that are shown as not ended. */
async function refresh() {
  const active = rows.querySelectorAll('li[data-state="queued"], li[data-state="running"]');
  if (document.hidden || !active.length) return;
  let page;
  try {
    page = await get("/v1/experiments?limit=200");
  } catch {
    return;
  }
  const found = new Map(page.items.map((item) => [item.id, item]));
  for (const row of active) {
    const item = found.get(row.dataset.id);
    if (!item) continue;
    row.dataset.state = item.state;
    const badge = row.querySelector(".badge");
    badge.textContent = item.state;
    badge.dataset.state = item.state;
    row.querySelector("progress").value = item.progress;
  }
}

// Sweep points as arms: the paired tests as tables, and their figures.

import { byId, make, say } from "./dom.js";
import { at, get } from "./http.js";
import { onThemeChange, themeName } from "./theme.js";

const NAMES = ["metric", "adjust", "baseline"];
const DIGITS = 4;

/** A number in few characters; a dash where there is none. */
function number(value, digits = DIGITS) {
  return value === null ? "–" : String(Number(value.toPrecision(digits)));
}

const interval = (row) => (row.low === null ? "–" : `${number(row.low, 3)} to ${number(row.high, 3)}`);
const cells = (...texts) => texts.map((text, column) => make(column ? "td" : "th", { textContent: text, className: column ? "number" : "", attrs: column ? {} : { scope: "row" } }));

/** The query as text; colons and commas need no escapes, and the address stays readable. */
const readable = (query) => query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");

/** What the page's address asks to be tested, as a query; empty if nothing is. */
export function askedTest() {
  const query = new URLSearchParams(window.location.search);
  return readable(new URLSearchParams([...query].filter(([name]) => NAMES.includes(name))));
}

/** Select a value, if there is such an option: a baseline may have been removed. */
function choose(select, value) {
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}

export class ArmsView {
  /**
   * @param runs Rows of the page: experiment_id, index, group, label, section.
   * @param mostRanked Arms that the figure of ranks can show.
   */
  constructor(runs, mostRanked) {
    this.mostRanked = mostRanked;
    const first = new Map();
    for (const run of runs) if (!first.has(run.group)) first.set(run.group, run);
    const id = (run) => `${run.experiment_id}:${run.index}`;
    this.ids = [...first.values()].map(id);
    byId("arms-baseline").append(...[...first.values()].map((run) => make("option", { value: id(run), textContent: run.section ? `${run.section}: ${run.label}` : run.label })));
    this.asked = new URLSearchParams(window.location.search);
    for (const name of NAMES) if (this.asked.has(name)) choose(byId(`arms-${name}`), this.asked.get(name));
    const load = () => this.load().catch((error) => say(error.message, true));
    byId("arms-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep();
      load();
    });
    onThemeChange(() => this.draw());
    if (this.asked.has("metric")) load();
  }

  get query() {
    const query = new URLSearchParams({ ids: this.ids.join(","), metric: byId("arms-metric").value, adjust: byId("arms-adjust").value });
    const baseline = byId("arms-baseline").value;
    if (baseline) query.set("baseline", baseline);
    return query;
  }

  /** The address says what is asked, so that it can be shared. */
  keep() {
    for (const name of NAMES) this.asked.set(name, byId(`arms-${name}`).value);
    window.history.replaceState(null, "", `?${readable(this.asked)}`);
  }

  async load() {
    byId("arms-error").hidden = true;
    try {
      this.found = await get(`/v1/compare?${this.query}`);
    } catch (error) {
      this.found = null;
      byId("arms-error").textContent = error.message;
      byId("arms-error").hidden = false;
    }
    byId("arms-found").hidden = !this.found;
    if (this.found) this.show();
  }

  show() {
    const { arms, comparisons, ranks, varied } = this.found;
    const labels = new Map(arms.map((arm) => [arm.id, arm.label]));
    byId("arms-rows").replaceChildren(...arms.map((arm) => make("tr", {}, ...cells(arm.label, String(arm.n), number(arm.mean), interval(arm), number(arm.rank, 3)))));
    byId("arms-pairs").replaceChildren(...comparisons.map((one) => {
      const row = make("tr", { title: one.text }, ...cells(`${labels.get(one.b)} − ${labels.get(one.a)}`, String(one.seeds.length), number(one.difference), interval(one), number(one.p_value, 2), number(one.p_adjusted, 2), number(one.effect_size, 3)));
      row.append(make("td", { textContent: one.reason ? `${one.decision}: ${one.reason}` : one.decision }));
      return row;
    }));
    const tested = ranks.reason ?? `Friedman's test over ${ranks.blocks} ${ranks.over}: p = ${number(ranks.p_value, 2)}; average ranks that differ by more than ${number(ranks.critical_difference, 3)} are told apart.`;
    byId("arms-note").textContent = `${varied} Ranks: ${tested}`;
    this.draw();
  }

  draw() {
    if (!this.found) return;
    const { comparisons, arms, ranks } = this.found;
    const pictures = [];
    const told = comparisons.map((one) => one.text).join(" ");
    if (comparisons.some((one) => one.low !== null)) pictures.push(["forest", "Differences with joint intervals", told]);
    const order = [...arms].sort((one, other) => one.rank - other.rank);
    if (!ranks.reason && arms.length <= this.mostRanked) pictures.push(["critical-difference", "Average ranks", order.map((arm) => `${arm.label}: ${number(arm.rank, 3)}`).join(", ")]);
    byId("arms-figures").replaceChildren(...pictures.map(([name, title, alt]) => {
      const source = (form) => at(`/v1/compare/figures/${name}.${form}?${this.query}&theme=${themeName()}`);
      const links = ["png", "svg", "pdf"].map((form) => make("a", { className: "button small", href: source(form), download: `${name}.${form}`, textContent: form.toUpperCase(), attrs: { "aria-label": `Download ${title} as ${form.toUpperCase()}` } }));
      const caption = make("figcaption", {}, make("strong", { textContent: title }), make("div", { className: "row" }, ...links));
      return make("figure", {}, make("img", { loading: "lazy", alt, src: source("png") }), caption);
    }));
  }
}

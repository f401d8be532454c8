// Colours: those of the figures, and what plotly needs to look like the page.

import { data } from "./dom.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

export const palettes = data("palettes");
export const themeName = () => (dark.matches ? "dark" : "light");
/** The series' colours of the theme. */
export const series = () => palettes.series[themeName()];
export const onThemeChange = (work) => dark.addEventListener("change", work);

const variable = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const ink = () => variable("--ink");
export const muted = () => variable("--muted");

/** Plotly's layout for one theme; `more` is laid over it, axes one level deep. */
export function layout(more = {}) {
  const axis = {
    gridcolor: variable("--line"),
    linecolor: variable("--strong-line"),
    zeroline: false,
    ticks: "outside",
    tickcolor: variable("--line"),
    automargin: true,
  };
  const { xaxis = {}, yaxis = {}, ...rest } = more;
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, DejaVu Sans, sans-serif", size: 12, color: ink() },
    margin: { l: 56, r: 12, t: 30, b: 44 },
    showlegend: false,
    hovermode: "closest",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: muted(), activecolor: variable("--accent") },
    hoverlabel: { bgcolor: variable("--surface"), font: { color: ink() } },
    xaxis: { ...axis, ...xaxis },
    yaxis: { ...axis, ...yaxis },
    ...rest,
  };
}

/** Ticks of a logarithmic axis: powers of ten, or 1, 2, 5 where they are few. */
export function logAxis(values) {
  const positive = values.filter((value) => value > 0);
  const decades = Math.log10(Math.max(...positive) / Math.min(...positive));
  return { type: "log", dtick: decades > 2.5 ? 1 : "D2", tickformat: "~g" };
}

/** Where epoch 0 stands on a logarithmic axis, which has no zero. */
export const ZERO = 0.5;
export const logEpoch = (epoch) => epoch || ZERO;

/** A logarithmic axis of epochs up to the last, on which 0 is called 0. */
export function logEpochAxis(last) {
  const decades = Math.ceil(Math.log10(Math.max(last, 1))) + 1;
  const ticks = Array.from({ length: decades }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
  // Of many decades the powers of ten alone are named.
  const name = (epoch) => (decades < 4 || Number.isInteger(Math.log10(epoch)) ? epoch.toLocaleString("en") : "");
  return { type: "log", tickmode: "array", tickvals: [ZERO, ...ticks], ticktext: ["0", ...ticks.map(name)] };
}

const CONFIG = {
  responsive: true,
  displaylogo: false,
  // Its buttons are too small for fingers, which pan and pinch without them.
  ...(window.matchMedia("(pointer: coarse)").matches ? { displayModeBar: false } : {}),
  // Charts go nowhere but to this browser.
  showSendToCloud: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendDataToCloud", "sendChartToCloud"],
  toImageButtonOptions: { format: "svg" },
};

/** @type {Promise<any> | null} */
let loaded = null;

/**
 * Resolves to plotly once its script has run.
 *
 * @returns {Promise<any>}
 */
export function plotly() {
  loaded ??= new Promise((resolve) => {
    const look = () => (window.Plotly ? resolve(window.Plotly) : setTimeout(look, 20));
    look();
  });
  return loaded;
}

export async function draw(element, traces, options) {
  const Plotly = await plotly();
  await Plotly.react(element, traces, layout(options), CONFIG);
}

/** The same colour with an opacity, as plotly writes it. */
export function faint(hex, opacity) {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${parts.join(",")},${opacity})`;
}

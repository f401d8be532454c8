// Test answers of one run without bins: CORP diagram, risk over coverage, confusion matrix.

import { byId, formatNumber, formatPercent, make, plural } from "./dom.js";
import { getOnce } from "./http.js";
import { draw, faint, muted, series } from "./theme.js";

const MOST_CLASSES = 20;

export async function showAnswers(run, isLatest) {
  const [corp, selective, confusion] = await Promise.all(["corp", "selective", "confusion"].map((what) => getOnce(`/v1/runs/${run.id}/${what}`)));
  if (!isLatest()) return;
  await drawCorp(corp);
  await drawRisk(selective);
  fillConfusion(confusion);
}

function title(text) {
  return { text, font: { size: 13 }, x: 0.02, y: 0.98 };
}

async function drawCorp(found) {
  const [under] = series();
  const { steps, band } = found;
  const lowest = Math.max(0, Math.min(steps[0].lower, steps[0].accuracy) - 0.05);
  const most = Math.max(...steps.map((step) => step.count));
  await draw(
    byId("corp"),
    [
      { x: [...band.confidence, ...band.confidence.toReversed()], y: [...band.high, ...band.low.toReversed()], mode: "lines", fill: "toself", fillcolor: faint(muted(), 0.25), line: { width: 0 }, hoverinfo: "skip" },
      { x: [0, 1], y: [0, 1], mode: "lines", line: { color: muted(), dash: "dash", width: 1 }, hoverinfo: "skip" },
      { x: steps.flatMap((step) => [step.lower, step.upper]), y: steps.flatMap((step) => [step.accuracy, step.accuracy]), mode: "lines", line: { color: under, width: 1.6 }, hoverinfo: "skip" },
      {
        x: steps.map((step) => step.confidence),
        y: steps.map((step) => step.accuracy),
        mode: "markers",
        marker: { color: under, size: steps.map((step) => 4 + 10 * Math.sqrt(step.count / most)) },
        text: steps.map((step) => `${plural(step.count, "example")}<br>confidence ${formatPercent(step.confidence)}<br>accuracy ${formatPercent(step.accuracy)}`),
        hovertemplate: "%{text}<extra></extra>",
      },
    ],
    {
      title: title(`Without bins: SmoothECE ${formatNumber(found.smooth_ece)}, miscalibration ${formatNumber(found.miscalibration)}`),
      xaxis: { title: { text: "confidence" }, range: [lowest, 1.02] },
      yaxis: { title: { text: "accuracy" }, range: [lowest, 1.03] },
    },
  );
}

async function drawRisk(found) {
  const [, over] = series();
  await draw(
    byId("risk-coverage"),
    [
      {
        x: found.coverage,
        y: found.risk,
        text: found.threshold.map((value) => formatNumber(value)),
        mode: "lines",
        line: { color: over, width: 1.8 },
        hovertemplate: "%{y:.2%} errors among the surest %{x:.1%}<br>confidence from %{text}<extra></extra>",
      },
    ],
    {
      title: title(`Risk over coverage, AURC ${formatNumber(found.aurc)}, excess ${formatNumber(found.excess_aurc)}`),
      xaxis: { title: { text: "share of answers given, the surest first" }, range: [0, 1.01], tickformat: ".0%" },
      yaxis: { title: { text: "share of errors" }, rangemode: "tozero", tickformat: ".1%" },
    },
  );
}

function fillConfusion({ matrix, classes, balanced_accuracy: balanced, macro_f1: f1 }) {
  const [under] = series();
  byId("confusion-averages").textContent = `Balanced accuracy ${formatPercent(balanced)}, macro F1 ${formatNumber(f1)}.`;
  if (classes.length > MOST_CLASSES) {
    byId("confusion").replaceChildren(make("caption", { textContent: `${classes.length} classes: GET /v1/runs/{id}/confusion has the matrix.` }));
    return;
  }
  const head = make("tr", {}, make("th", { textContent: "Class" }));
  head.append(...classes.map(({ label }) => make("th", { textContent: `as ${label}`, className: "number" })));
  head.append(...["Recall", "Precision"].map((text) => make("th", { textContent: text, className: "number" })));
  const rows = classes.map((row, at) => {
    const line = make("tr", {}, make("th", { textContent: row.label, scope: "row" }));
    for (const count of matrix[at]) {
      const cell = make("td", { textContent: count, className: "number" });
      if (row.count) cell.style.backgroundColor = faint(under, (0.45 * count) / row.count);
      line.append(cell);
    }
    for (const share of [row.recall, row.precision]) {
      line.append(make("td", { textContent: share === null ? "" : formatPercent(share), title: share === null ? row.reason : "", className: "number" }));
    }
    return line;
  });
  byId("confusion").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}

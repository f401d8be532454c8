// Curves of runs in memory: read once, then grown by events.

import { get } from "./http.js";

const SIDES = ["train", "test", "validation"];
export const METRICS = SIDES.flatMap((side) => [`${side}_loss`, `${side}_accuracy`]);

/** So many points per run that hundreds of runs stay smooth. */
export const pointsFor = (runs) => Math.max(60, Math.min(800, Math.floor(24_000 / Math.max(runs, 1))));

export class CurveStore {
  constructor(runIds) {
    this.most = pointsFor(runIds.length);
    this.curves = new Map(runIds.map((id) => [id, empty()]));
  }

  /** Replace all by what the server has, thinned by it. */
  async load(experimentIds) {
    const answers = await Promise.all(
      experimentIds.map((id) => get(`/v1/experiments/${id}/curves?max_points=${this.most}&metrics=${METRICS}`)),
    );
    for (const id of this.curves.keys()) this.curves.set(id, empty());
    for (const columns of answers) this.add(columns);
  }

  /** Append rows beyond what is known; of other runs none is kept. */
  add(columns) {
    columns.run_id.forEach((id, row) => {
      const curve = this.curves.get(id);
      if (!curve || columns.epoch[row] <= (curve.epoch.at(-1) ?? -1)) return;
      curve.epoch.push(columns.epoch[row]);
      for (const name of METRICS) curve[name].push(columns[name][row]);
    });
    for (const [id, curve] of this.curves) {
      if (curve.epoch.length > 2 * this.most) this.curves.set(id, halved(curve));
    }
  }

  /** Whether any run has this metric. */
  has(metric) {
    return [...this.curves.values()].some((curve) => curve[metric].some((value) => value !== null));
  }

  get isEmpty() {
    return [...this.curves.values()].every((curve) => curve.epoch.length === 0);
  }
}

const empty = () => Object.fromEntries(["epoch", ...METRICS].map((name) => [name, []]));

const halved = (curve) =>
  Object.fromEntries(
    Object.entries(curve).map(([name, column]) => [
      name,
      column.filter((_, at) => at % 2 === 0 || at === column.length - 1),
    ]),
  );

/** Exponential moving average without the bias of its start; 0 changes nothing. */
export function smoothed(values, weight) {
  if (weight <= 0) return values;
  let mean = 0;
  let norm = 0;
  return values.map((value) => {
    mean = weight * mean + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return mean / norm;
  });
}

/** Values of a curve at other, rising epochs, by straight lines. */
function at(epochs, xs, ys) {
  let k = 0;
  return epochs.map((epoch) => {
    while (k < xs.length - 2 && xs[k + 1] < epoch) k += 1;
    if (xs.length === 1 || epoch <= xs[0]) return ys[0];
    const share = Math.min(1, (epoch - xs[k]) / (xs[k + 1] - xs[k]));
    return ys[k] + share * (ys[k + 1] - ys[k]);
  });
}

// Quantiles 0.975 of Student's t by degrees of freedom; 1.96 beyond the table is close enough.
const T975 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14,
  2.13, 2.12, 2.11, 2.1, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04];

/** Mean, low and high of several curves up to where all of them are. */
export function summarized(curves, metric, weight, kind) {
  const filled = curves.filter((curve) => curve.epoch.length);
  const end = Math.min(...filled.map((curve) => curve.epoch.at(-1)));
  const longest = filled.reduce((a, b) => (b.epoch.length > a.epoch.length ? b : a));
  const epoch = longest.epoch.filter((value) => value <= end);
  const rows = filled.map((curve) => at(epoch, curve.epoch, smoothed(curve[metric], weight)));
  const mean = epoch.map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);
  if (kind !== "interval") {
    const low = epoch.map((_, k) => Math.min(...rows.map((row) => row[k])));
    const high = epoch.map((_, k) => Math.max(...rows.map((row) => row[k])));
    return { epoch, mean, low, high };
  }
  const n = rows.length;
  const half = epoch.map((_, k) => {
    const square = rows.reduce((sum, row) => sum + (row[k] - mean[k]) ** 2, 0);
    return ((T975[n - 2] ?? 1.96) * Math.sqrt(square / (n - 1))) / Math.sqrt(n);
  });
  return {
    epoch,
    mean,
    low: mean.map((value, k) => value - half[k]),
    high: mean.map((value, k) => value + half[k]),
  };
}

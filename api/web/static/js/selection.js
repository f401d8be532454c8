// Which runs are compared, and the address that says so: whole experiments by their id, parts of
// them by the indexes of their runs.

import { at } from "./http.js";

export class Selection {
  /**
   * @param runs Rows with experiment_id and index.
   * @param sizes Number of runs by experiment.
   */
  constructor(runs, sizes) {
    this.sizes = new Map(Object.entries(sizes));
    this.chosen = new Map();
    for (const run of runs) this.add(run.experiment_id, [run.index]);
  }

  of(experiment) {
    return this.chosen.get(experiment) ?? new Set();
  }

  add(experiment, indexes) {
    this.chosen.set(experiment, new Set([...this.of(experiment), ...indexes]));
  }

  remove(experiment, indexes) {
    this.set(experiment, [...this.of(experiment)].filter((index) => !indexes.includes(index)));
  }

  set(experiment, indexes) {
    if (indexes.length) this.chosen.set(experiment, new Set(indexes));
    else this.chosen.delete(experiment);
  }

  get address() {
    const texts = [...this.chosen].map(([experiment, indexes]) =>
      indexes.size === this.sizes.get(experiment) ? experiment : `${experiment}:${ranges([...indexes])}`,
    );
    // Colons and commas need no escapes in a query, and the address stays readable.
    return texts.length ? at(`/compare?${texts.map((text) => `experiment=${text}`).join("&")}`) : at("/compare");
  }
}

/** Integers as text: "0-8,10". */
export function ranges(indexes) {
  const parts = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    if (parts.length && parts.at(-1)[1] === index - 1) parts.at(-1)[1] = index;
    else parts.push([index, index]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(",");
}

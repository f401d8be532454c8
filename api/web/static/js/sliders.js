// Sliders over finished runs, one for each part of the page that shows a single run.

/** Keeps a range input and its output in step with a list; calls `show(item)` on a choice. */
export class ListSlider {
  constructor(input, describe, show) {
    this.input = input;
    this.describe = describe;
    this.show = show;
    this.items = [];
    input.addEventListener("input", () => this.choose());
  }

  get item() {
    return this.items[Number(this.input.value)];
  }

  /** Take another list; stay at the same item where it is still there. */
  set(items, same = (a, b) => a === b) {
    const before = this.item;
    const index = before === undefined ? -1 : items.findIndex((item) => same(item, before));
    this.items = items;
    this.input.max = Math.max(0, items.length - 1);
    this.input.disabled = items.length < 2;
    this.input.value = index < 0 ? 0 : index;
  }

  move(index) {
    this.input.value = index;
    this.choose();
  }

  choose() {
    const text = this.item === undefined ? "" : this.describe(this.item);
    this.input.parentElement.querySelector("output").value = text;
    this.input.setAttribute("aria-valuetext", text);
    if (this.item !== undefined) this.show(this.item);
  }
}

export const describeRun = (run) => `${run.label}, seed ${run.seed}`;

/** Runs of a newer choice win: an answer that comes late is dropped. */
export function latestOnly(work) {
  let turn = 0;
  return async (...args) => {
    turn += 1;
    const mine = turn;
    await work(...args, () => mine === turn);
  };
}

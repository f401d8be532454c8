// Weight matrices of a run on one symmetric colour scale.

import { byId, formatNumber, formatPercent, make } from "./dom.js";
import { getOnce } from "./http.js";
import { weightColour } from "./plane.js";
import { describeRun, latestOnly, ListSlider } from "./sliders.js";

export class WeightsView {
  constructor() {
    this.show = latestOnly((run, isLatest) => this.render(run, isLatest));
    this.slider = new ListSlider(byId("weights-run"), describeRun, (run) => this.show(run));
    byId("weights-shared").addEventListener("change", () => this.slider.choose());
  }

  update(runs) {
    this.slider.set(runs);
    this.slider.choose();
  }

  async render(run, isLatest) {
    const found = await getOnce(`/v1/runs/${run.id}/weights`);
    if (!isLatest()) return;
    const shared = byId("weights-shared").checked;
    const largest = Math.max(...found.matrices.map((matrix) => matrix.largest));
    byId("matrices").replaceChildren(
      ...found.matrices.map((matrix) => picture(matrix, shared ? largest : matrix.largest, found.threshold)),
    );
  }
}

function picture(matrix, largest, threshold) {
  const [rows, columns] = matrix.shape;
  // A thin matrix lies on its side, so that no picture is a line.
  const lying = rows > columns;
  const [width, height] = lying ? [rows, columns] : [columns, rows];
  const enlarged = Math.max(1, Math.ceil(260 / Math.max(width, height)));
  const canvas = make("canvas", {
    width,
    height,
    attrs: { role: "img", "aria-label": `Weights of layer ${matrix.layer}, ${rows} by ${columns}` },
  });
  const image = new ImageData(width, height);
  matrix.values.forEach((row, i) =>
    row.forEach((value, j) => {
      const [r, g, b] = weightColour(largest ? value / largest : 0);
      image.data.set([r, g, b, 255], 4 * (lying ? j * width + i : i * width + j));
    }),
  );
  canvas.getContext("2d").putImageData(image, 0, 0);
  const flat = height * enlarged < 24;
  const text = `Layer ${matrix.layer}: ${rows} × ${columns}${lying ? " (inputs across)" : ""} · ${formatPercent(matrix.sparsity)} within ${threshold} of zero · norm ${formatNumber(matrix.norm, 2)} · largest ${formatNumber(matrix.largest, 3)}`;
  if (flat) canvas.setAttribute("class", "flat");
  return make("figure", { className: "matrix" }, canvas, make("figcaption", { textContent: text }));
}

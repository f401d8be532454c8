// The probability of class 1 over the plane, drawn on a canvas; used by boundary and playground.

import { palettes, themeName } from "./theme.js";

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const [LOW, HIGH] = palettes.classes.map(rgb);
const MIDDLE = [247, 247, 247];

/** The figures' diverging map: class 0, nearly white, class 1. */
export function boundaryColour(p) {
  const [from, to, share] = p < 0.5 ? [LOW, MIDDLE, 2 * p] : [MIDDLE, HIGH, 2 * p - 1];
  return from.map((value, k) => Math.round(value + share * (to[k] - value)));
}

const TABLE = Array.from({ length: 256 }, (_, at) => boundaryColour(at / 255));

/**
 * @param canvas Where to draw.
 * @param scene x and y extents [low, high], points [[x, y]], labels.
 * @param field Probabilities 0..255, row by row from the lowest y.
 * @param width, height Of the field, in grid points.
 */
export function drawPlane(canvas, scene, field, width, height, showPoints = true) {
  const context = canvas.getContext("2d");
  const image = new ImageData(width, height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const [r, g, b] = TABLE[Math.round(field[row * width + column])];
      // A canvas counts rows from the top, the plane from below.
      image.data.set([r, g, b, 255], 4 * ((height - 1 - row) * width + column));
    }
  }
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d")?.putImageData(image, 0, 0);
  // The smoothed edge is not opaque: what was there before would show through.
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  // Values belong to grid points, so half a pixel lies beyond each edge.
  context.drawImage(small, 0.5, 0.5, width - 1, height - 1, 0, 0, canvas.width, canvas.height);
  const scale = canvas.width / 560;
  for (const level of [0.1, 0.3, 0.7, 0.9]) contour(context, field, width, height, 255 * level, 0.5 * scale, "#33333388");
  contour(context, field, width, height, 127.5, 2.2 * scale, "#111111");
  if (showPoints) points(context, scene, scale);
}

function contour(context, field, width, height, level, lineWidth, colour) {
  const { canvas } = context;
  const stepX = canvas.width / (width - 1);
  const stepY = canvas.height / (height - 1);
  context.beginPath();
  for (let row = 0; row < height - 1; row += 1) {
    for (let column = 0; column < width - 1; column += 1) {
      const corner = row * width + column;
      const values = [field[corner], field[corner + 1], field[corner + width + 1], field[corner + width]];
      const ends = crossings(values, level);
      for (let k = 0; k + 1 < ends.length; k += 2) {
        context.moveTo((column + ends[k][0]) * stepX, canvas.height - (row + ends[k][1]) * stepY);
        context.lineTo((column + ends[k + 1][0]) * stepX, canvas.height - (row + ends[k + 1][1]) * stepY);
      }
    }
  }
  context.lineWidth = lineWidth;
  context.strokeStyle = colour;
  context.stroke();
}

/**
 * Where a level crosses the edges of a unit square whose corners go round (marching squares).
 *
 * @param {number[]} corners
 * @param {number} level
 */
function crossings([a, b, c, d], level) {
  const ends = [];
  const cut = (from, to) => (level - from) / (to - from);
  if (a > level !== b > level) ends.push([cut(a, b), 0]);
  if (b > level !== c > level) ends.push([1, cut(b, c)]);
  if (d > level !== c > level) ends.push([cut(d, c), 1]);
  if (a > level !== d > level) ends.push([0, cut(a, d)]);
  return ends;
}

function points(context, scene, scale) {
  const { canvas } = context;
  const place = (value, [low, high], size) => ((value - low) / (high - low)) * size;
  scene.points.forEach(([x, y], at) => {
    point(context, place(x, scene.x, canvas.width), canvas.height - place(y, scene.y, canvas.height), scene.labels[at], scale);
  });
}

/** A training point: a circle of class 0, a triangle of class 1. */
function point(context, left, top, label, scale) {
  const r = 3.4 * scale;
  context.beginPath();
  if (label === 0) context.arc(left, top, r, 0, 2 * Math.PI);
  else {
    context.moveTo(left, top - 1.25 * r);
    context.lineTo(left + 1.15 * r, top + 0.85 * r);
    context.lineTo(left - 1.15 * r, top + 0.85 * r);
    context.closePath();
  }
  context.fillStyle = palettes.classes[label];
  context.fill();
  context.lineWidth = 0.9 * scale;
  context.strokeStyle = themeName() === "dark" ? "#101216" : "#ffffff";
  context.stroke();
}

/** What the points mean, on the canvases of a key. */
export function drawMarks(root) {
  for (const canvas of root.querySelectorAll(".mark")) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    point(context, canvas.width / 2, canvas.height / 2, Number(canvas.dataset.label), canvas.width / 9);
  }
}

/** A strip of colours from a share of 0 to 1. */
export function drawStrip(canvas, colour) {
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x += 1) {
    context.fillStyle = colour(x / (canvas.width - 1));
    context.fillRect(x, 0, 1, canvas.height);
  }
}

/** The colours of the plane. */
export const drawScale = (canvas) => drawStrip(canvas, (share) => `rgb(${boundaryColour(share).join(",")})`);

/** The figures' map of weights: negative, white, positive; `share` from -1 to 1. */
export function weightColour(share) {
  const end = share < 0 ? LOW : HIGH;
  return end.map((value) => Math.round(255 + Math.min(1, Math.abs(share)) * (value - 255)));
}

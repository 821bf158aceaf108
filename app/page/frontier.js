// Draws the Pareto frontier: predicted quality with its uncertainty against the price of the query on a logarithmic
// scale, the choice marked. Models that cost nothing stand left of the scale, which has no place for them.

import { box, overlap } from "./boxes.js";
import { draw, el } from "./dom.js";
import { money } from "./words.js";

const HEIGHT = 250;
const EDGE = { left: 40, right: 16, top: 14, bottom: 40 };
const FREE = 46;
const LETTER = 7.2; // as wide as one is taken to be
const BOLD = 7.8;

/** Return the plot of a record's `models`; it is drawn as wide as its place is, and anew when that changes. */
export function frontierPlot(models) {
  const place = el("div", { class: "plot" });
  let drawnAt = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    if (!width || width === drawnAt) return;
    drawnAt = width;
    place.replaceChildren(plot(models, Math.min(width, 720)));
  }).observe(place);
  return place;
}

function plot({ frontier, chosen }, width) {
  const scale = scales(frontier, width);
  const order = [...frontier].sort((a, b) => b.quality - a.quality);
  const best = frontier.find((row) => row.id === chosen);
  const said = `Quality against price of ${frontier.length} ${frontier.length === 1 ? "model" : "models"}; ` +
    (best ? `chosen is ${chosen}, quality ${best.quality.toFixed(2)} for ${money(best.cost_usd)}.` : "none of them is chosen.");
  return draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": said },
    axes(scale, width), line(frontier, scale), order.map((row) => point(row, scale, row.id === chosen)), labels(order, scale, width, chosen));
}

function scales(frontier, width) {
  const prices = frontier.map((row) => row.cost_usd).filter((usd) => usd > 0);
  const free = prices.length < frontier.length ? FREE : 0;
  let [low, high] = prices.length ? [Math.log10(Math.min(...prices)), Math.log10(Math.max(...prices))] : [-4, -2];
  const spare = Math.max(0.25, (0.8 - (high - low)) / 2);
  [low, high] = [low - spare, high + spare];
  const tops = frontier.map((row) => row.quality + row.uncertainty);
  const bottoms = frontier.map((row) => row.quality - row.uncertainty);
  const top = Math.min(1, Math.ceil(10 * Math.max(...tops)) / 10);
  const bottom = Math.max(0, Math.min(top - 0.2, Math.floor(10 * Math.min(...bottoms)) / 10));
  const left = EDGE.left + free;
  const right = width - EDGE.right;
  return {
    low, high, top, bottom, free: free > 0, left, priced: prices.length > 0,
    x: (usd) => (usd > 0 ? left + ((Math.log10(usd) - low) / (high - low)) * (right - left) : EDGE.left + FREE / 2),
    y: (q) => EDGE.top + ((top - Math.min(top, Math.max(bottom, q))) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom),
  };
}

function axes(scale, width) {
  const floor = HEIGHT - EDGE.bottom;
  const parts = [];
  const tall = scale.top - scale.bottom;
  const step = tall > 0.6 ? 0.2 : 0.1;
  for (let q = scale.bottom; q <= scale.top + 1e-9; q += step) {
    const y = scale.y(q);
    parts.push(draw("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y, y2: y }),
      draw("text", { x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, q.toFixed(1)));
  }
  if (scale.free) {
    parts.push(draw("text", { x: scale.x(0), y: floor + 16, "text-anchor": "middle" }, "free"),
      draw("line", { class: "break", x1: scale.left, x2: scale.left, y1: EDGE.top, y2: floor }));
  }
  let said = scale.free ? scale.x(0) + 2 * LETTER : 0; // up to where the prices are told
  for (const usd of scale.priced ? ticks(scale) : []) {
    const x = scale.x(usd);
    const price = `$${Number(usd.toPrecision(1))}`;
    const half = (LETTER * price.length) / 2;
    const isTold = x - half > said + LETTER && x + half < width;
    if (isTold) said = x + half;
    parts.push(draw("line", { class: "tick", x1: x, x2: x, y1: floor, y2: floor + 4 }),
      isTold ? draw("text", { x, y: floor + 16, "text-anchor": "middle" }, price) : null);
  }
  parts.push(draw("line", { class: "axis", x1: EDGE.left, x2: width - EDGE.right, y1: floor, y2: floor }),
    draw("text", { class: "name", x: width - EDGE.right, y: HEIGHT - 6, "text-anchor": "end" }, width < 300 ? "price, log scale" : "price of this query, log scale"),
    draw("text", { class: "name", x: 4, y: HEIGHT - 6 }, "quality ± 1 σ"));
  return draw("g", { class: "axes", "aria-hidden": "true" }, parts);
}

function ticks({ low, high }) {
  const found = [];
  for (let power = Math.floor(low); power <= high; power += 1)
    for (const digit of high - low > 1.7 ? [1] : [1, 2, 5]) {
      const usd = digit * 10 ** power;
      if (Math.log10(usd) >= low && Math.log10(usd) <= high) found.push(usd);
    }
  return found;
}

function line(frontier, scale) {
  const row = [...frontier].sort((a, b) => a.cost_usd - b.cost_usd);
  return draw("polyline", { class: "front", points: row.map((r) => `${scale.x(r.cost_usd)},${scale.y(r.quality)}`).join(" ") });
}

function point(row, scale, chosen) {
  const [x, y] = [scale.x(row.cost_usd), scale.y(row.quality)];
  const [top, bottom] = [scale.y(row.quality + row.uncertainty), scale.y(row.quality - row.uncertainty)];
  const whisker = (end) => draw("line", { x1: x - 4, x2: x + 4, y1: end, y2: end });
  return draw("g", { class: chosen ? "point chosen" : "point", "data-model": row.id },
    draw("title", {}, `${row.id}: quality ${row.quality.toFixed(2)} ± ${row.uncertainty.toFixed(2)}, ${money(row.cost_usd)}, closeness ${row.closeness.toFixed(3)}`),
    draw("line", { x1: x, x2: x, y1: top, y2: bottom }), whisker(top), whisker(bottom),
    chosen ? draw("circle", { class: "ring", cx: x, cy: y, r: 9 }) : null,
    draw("circle", { cx: x, cy: y, r: 4.5 }));
}

/** Names where they hide no point and no other name, and no bar if they can; the choice has one always, the table all. */
function labels(order, scale, width, chosen) {
  const [taken, bars] = [0, 1].map((which) => order.map((row) => marks(row, scale)[which]));
  const isInside = (spot) => spot.x - spot.width / 2 > EDGE.left && spot.x + spot.width / 2 < width && spot.y > 6 && spot.y < HEIGHT - EDGE.bottom - 6;
  const isFree = (from) => (spot) => !from.some((other) => overlap(spot, other));
  const named = order.length <= 8 ? order : order.filter((row, n) => row.id === chosen || n % Math.ceil(order.length / 6) === 0);
  const chosenFirst = [...named].sort((a, b) => (b.id === chosen) - (a.id === chosen));
  return draw("g", { class: "names", "aria-hidden": "true" }, chosenFirst.map((row) => {
    const text = row.id.length > 22 ? `${row.id.slice(0, 21)}…` : row.id;
    const spots = spotsBeside(row, scale, (row.id === chosen ? BOLD : LETTER) * text.length).filter(isInside);
    const spot = spots.find(isFree([...taken, ...bars])) ?? spots.find(isFree(taken)) ?? (row.id === chosen ? spots[0] : null);
    if (!spot) return null;
    taken.push(spot);
    return draw("text", { class: row.id === chosen ? "chosen" : null, x: spot.x, y: spot.y + 4, "text-anchor": "middle" }, text);
  }));
}

/** Return the boxes of what is drawn of a model: its point and its bar. */
function marks(row, scale) {
  const [x, y] = [scale.x(row.cost_usd), scale.y(row.quality)];
  const [top, bottom] = [scale.y(row.quality + row.uncertainty), scale.y(row.quality - row.uncertainty)];
  return [box([x, y], 18, 18), box([x, (top + bottom) / 2], 8, bottom - top)];
}

/** Return where a name this wide may stand, the best place first: beside its point, at the ends of its bar, beside the bar. */
function spotsBeside(row, scale, wide) {
  const [point, bar] = marks(row, scale);
  const side = 13 + wide / 2;
  const end = bar.height / 2 + 8;
  const beside = (dy) => [[side, dy], [-side, dy]];
  const places = [...beside(0), ...beside(-14), ...beside(14)].map(([dx, dy]) => [point.x + dx, point.y + dy]);
  places.splice(2, 0, [point.x, bar.y - end], [point.x, bar.y + end]);
  return places.map((at) => box(at, wide, 12));
}

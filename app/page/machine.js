// Draws the state machine: phases as nodes, the ways out of one phase with their events, the last transition.

import { box, overlap } from "./boxes.js";
import { draw, el } from "./dom.js";
import { plain } from "./words.js";

const PLACES = {
  idle: [170, 20], awaiting_choice: [61, 92], handing_over: [279, 92], engaged: [170, 168],
  awaiting_input: [61, 244], awaiting_approval: [279, 244], closed: [170, 316],
};
const WIDTH = 340, HEIGHT = 336, HALF = [59, 16];

/** The drawing; `table` is what `/v1/machine` gives. */
export class Machine {
  constructor(place, table) {
    this.place = place;
    this.table = table;
    this.at = Object.fromEntries(table.phases.map((phase, n) => [phase.id, PLACES[phase.id] ?? around(n, table.phases.length)]));
    this.phase = "idle";
    this.last = null;
    this.looked = null;
    this.draw();
  }

  /** Light `phase`; `last` is {from, to, events} of the turn that led there. */
  show(phase, last) {
    [this.phase, this.last, this.looked] = [phase, last, null];
    this.draw();
  }

  look(phase) {
    this.looked = phase === this.looked ? null : phase;
    this.draw();
  }

  draw() {
    const focused = document.activeElement?.dataset?.phase;
    const from = this.looked ?? this.phase;
    const ways = this.ways(from);
    const isLast = (to) => this.last && this.last.from === from && this.last.to === to;
    const others = [...ways].filter(([to]) => to !== from && !isLast(to));
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": `The dialogue is ${plain(this.phase)}` },
      draw("defs", {}, ["way", "took"].map((kind) =>
        draw("marker", { id: `tip-${kind}`, class: kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto" },
          draw("path", { d: "M0 0.6 7.6 4 0 7.4z" })))),
      this.web(),
      others.map(([to, events]) => this.edge(from, to, events, "way")),
      this.last && this.edge(this.last.from, this.last.to, this.last.events, "took"),
      this.table.phases.map((phase) => this.node(phase, from)),
      this.names(from, others));
    this.place.replaceChildren(svg, this.legend(from, ways));
    if (focused) this.place.querySelector(`[data-phase="${focused}"]`)?.focus();
  }

  /** Return where events lead from a phase: a map of phase to events. */
  ways(from) {
    const ways = new Map();
    const ofUser = new Set(this.table.events.filter((event) => event.of === "user").map((event) => event.id));
    const rows = [...this.table.transitions].sort((a, b) => ofUser.has(a.event) - ofUser.has(b.event));
    for (const row of rows)
      if (row.from === from) ways.set(row.to, [...(ways.get(row.to) ?? []), row.event]);
    return ways;
  }

  /** Every pair of phases that an event joins, as a faint ground. */
  web() {
    const pairs = new Set(this.table.transitions.filter((t) => t.from !== t.to).map((t) => [t.from, t.to].sort().join(" ")));
    return draw("g", { class: "web", "aria-hidden": "true" }, [...pairs].map((pair) => {
      const [a, b] = pair.split(" ").map((id) => this.at[id]);
      return draw("path", { d: curve(a, b, 0) });
    }));
  }

  edge(from, to, events, kind) {
    const name = events.map(plain).join(", ");
    if (from === to) return this.loop(to, name);
    const [a, b] = ends(this.at[from], this.at[to]);
    const path = draw("path", { d: curve(a, b, bend(this.at[from], this.at[to])), "marker-end": `url(#tip-${kind})`, "data-from": from, "data-to": to },
      draw("title", {}, `${plain(from)} → ${plain(to)}: ${name}`));
    return draw("g", { class: `edge ${kind}` }, path);
  }

  loop(phase, name) {
    const [x, y] = this.at[phase];
    return draw("g", { class: "edge took" },
      draw("rect", { x: x - HALF[0] - 5, y: y - HALF[1] - 5, width: 2 * HALF[0] + 10, height: 2 * HALF[1] + 10, rx: 13, "data-from": phase, "data-to": phase },
        draw("title", {}, `${plain(phase)} → ${plain(phase)}: ${name}`)));
  }

  node(phase, from) {
    const [x, y] = this.at[phase.id];
    const lit = phase.id === this.phase;
    const look = () => this.look(phase.id);
    const press = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      look();
    };
    return draw("g", {
      class: `node${lit ? " lit" : ""}${phase.id === from ? " from" : ""}${phase.rests ? "" : " passing"}`,
      "data-phase": phase.id, tabindex: "0", role: "button", "aria-pressed": phase.id === this.looked ? "true" : "false",
      "aria-label": `${plain(phase.id)}${lit ? ", where the dialogue stands" : ""}: show the ways out`, onclick: look, onkeydown: press,
    },
    draw("rect", { x: x - HALF[0], y: y - HALF[1], width: 2 * HALF[0], height: 2 * HALF[1], rx: 9 }),
    draw("text", { x, y: y + 4.5, "text-anchor": "middle" }, plain(phase.id)));
  }

  /** One event beside each edge, where it hides no other word; the legend has all of them. */
  names(from, ways) {
    const taken = this.table.phases.map(({ id }) => box(this.at[id], 2 * HALF[0], 2 * HALF[1]));
    const last = this.last && this.last.from !== this.last.to ? [[this.last.from, this.last.to, plain(this.last.events.at(-1)), "took"]] : [];
    const others = ways.map(([to, events]) => [from, to, plain(events[0]) + (events.length > 1 ? ` +${events.length - 1}` : ""), "way"]);
    return [...last, ...others].map(([source, target, said, kind]) => {
      const [a, b] = ends(this.at[source], this.at[target]);
      const far = bend(this.at[source], this.at[target]);
      const tried = [0.55, 0.42, 0.68, 0.3, 0.8].map((t) => box(along(a, b, far, t), 5.9 * said.length, 12));
      const spot = tried.find((spot) => !taken.some((other) => overlap(spot, other)));
      if (!spot) return null;
      taken.push(spot);
      return draw("text", { class: `event ${kind}`, x: spot.x, y: spot.y + 3.5, "text-anchor": "middle", "aria-hidden": "true" }, said);
    });
  }

  legend(from, ways) {
    const took = this.last && el("p", { class: "took" },
      el("b", {}, `${plain(this.last.from)} → ${plain(this.last.to)}`), ` by ${this.last.events.map(plain).join(", ")}`);
    const rows = [...ways].filter(([to]) => to !== from).map(([to, events]) =>
      el("div", {}, el("dt", {}, plain(to)), el("dd", {}, events.map(plain).join(", "))));
    return el("div", { class: "legend" }, took, el("h3", {}, `From ${plain(from)} to`), el("dl", {}, rows));
  }
}

function around(n, count) {
  const angle = (2 * Math.PI * n) / count;
  return [WIDTH / 2 + 108 * Math.sin(angle), HEIGHT / 2 - 148 * Math.cos(angle)];
}

/** Return where a line from one node to another leaves the first and meets the second. */
function ends(a, b) {
  const cut = (from, to, gap) => {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const share = Math.min((HALF[0] + gap) / Math.abs(dx || 1e-9), (HALF[1] + gap) / Math.abs(dy || 1e-9));
    return [from[0] + dx * share, from[1] + dy * share];
  };
  return [cut(a, b, 1), cut(b, a, 4)];
}

/** How far a line is bent: around the phase in the middle, away from those at the sides, else a little. */
function bend(a, b) {
  const middle = [(a[0] + b[0]) / 2 - WIDTH / 2, (a[1] + b[1]) / 2 - HEIGHT / 2];
  const length = Math.hypot(a[0] - b[0], a[1] - b[1]);
  if (length < 170) return 10;
  if (Math.hypot(...middle) < 30) return length > 260 ? 92 : 62;
  const isLeft = (b[0] - a[0]) * middle[1] - (b[1] - a[1]) * middle[0] > 0;
  return isLeft ? -18 : 18;
}

/** The point that a bent line is drawn towards. */
function pull([ax, ay], [bx, by], far) {
  const length = Math.hypot(bx - ax, by - ay) || 1;
  return [(ax + bx) / 2 - ((by - ay) / length) * far * 1.6, (ay + by) / 2 + ((bx - ax) / length) * far * 1.6];
}

function along(a, b, far, t) {
  const c = pull(a, b, far);
  return [0, 1].map((n) => (1 - t) ** 2 * a[n] + 2 * t * (1 - t) * c[n] + t ** 2 * b[n]);
}

function curve([ax, ay], [bx, by], far) {
  const [x, y] = pull([ax, ay], [bx, by], far);
  return `M${ax.toFixed(1)} ${ay.toFixed(1)}Q${x.toFixed(1)} ${y.toFixed(1)} ${bx.toFixed(1)} ${by.toFixed(1)}`;
}

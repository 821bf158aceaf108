// Draws a decision record: who served and why, the agents, the masks, the models on the frontier, calls, times, costs.

import { draw, el, table } from "./dom.js";
import { frontierPlot } from "./frontier.js";
import { money, plain, stepTold, time, whyTold } from "./words.js";

/** Return what is shown of a turn's decision. */
export function drawRecord(moma) {
  const { record } = moma;
  if (!record) return el("div", { class: "record" }, el("p", { class: "why" }, notShown(moma)));
  const { agents, models } = record;
  return el("div", { class: "record" },
    el("p", { class: "why" }, whyTold(record)),
    facts({
      phase: `${plain(record.phase_from)} → ${plain(record.phase_to)}`,
      event: plain(record.event),
      decision: agents.decision && plain(agents.decision),
      preference: models && String(models.preference),
      "another model": record.stepped && stepTold(record.stepped),
      degraded: record.degraded,
      error: record.error,
    }),
    agents.considered.length ? considered(agents) : null,
    models?.frontier.length ? frontier(models) : null,
    masks([...agents.masked, ...(models?.masked ?? [])]),
    record.runs.length ? runs(record.runs) : null,
    record.calls.length ? calls(record.calls) : null,
    section("Cost and time", facts({
      cost: money(record.cost_usd),
      "always best": record.always_best && `${record.always_best.id}, ${money(record.always_best.cost_usd)}`,
      time: Object.entries(record.timings_ms).map(([step, ms]) => `${step} ${time(ms)}`).join(", "),
      versions: Object.entries(record.versions).filter(([, v]) => v).map(([k, v]) => `${k} ${v}`).join(", "),
      decision: record.id,
    })));
}

function notShown(moma) {
  if (moma.dropped) return "The record of this turn is no longer kept in this browser.";
  return "Decisions are not shown to this key. One that is made with --debug shows them.";
}

const section = (title, ...children) => el("section", {}, el("h3", {}, title), ...children);

function facts(pairs) {
  const rows = Object.entries(pairs).filter(([, value]) => value);
  return el("dl", { class: "facts" }, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function considered(agents) {
  const rows = agents.considered.map(({ id, score }) =>
    el("li", { class: id === agents.agent ? "marked" : null },
      el("span", {}, id),
      draw("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
        draw("rect", { class: "rail", width: 100, height: 4 }), draw("rect", { width: 100 * Math.min(1, Math.max(0, score)), height: 4 })),
      el("b", {}, score.toFixed(3))));
  return section("Agents considered", el("ul", { class: "scores" }, rows), el("p", { class: "note" }, agents.reason));
}

function frontier(models) {
  const rows = models.frontier.map((row) => ({
    marked: row.id === models.chosen,
    cells: [row.id, `${row.quality.toFixed(2)} ± ${row.uncertainty.toFixed(2)}`, money(row.cost_usd), row.closeness.toFixed(3), fallbackPlace(row.id, models)],
  }));
  const title = `Models on the frontier${models.kind ? ` for ${plain(models.kind)}` : ""}`;
  return section(title,
    frontierPlot(models),
    table(`${title}: ${models.quality_is} quality`, [["model"], ["quality", "number"], ["price", "number"], ["closeness", "number"], ["order"]], rows),
    el("p", { class: "note" }, models.reason));
}

function fallbackPlace(id, models) {
  const place = models.order.indexOf(id);
  return place === 0 ? "chosen" : place > 0 ? `fallback ${place}` : "";
}

/** Masks with one reason stand together: a missing key masks several models. */
function masks(masked) {
  if (!masked.length) return null;
  const groups = new Map();
  for (const { candidate, reason } of masked) groups.set(reason, [...(groups.get(reason) ?? []), candidate]);
  const rows = [...groups].map(([reason, candidates]) => el("div", {}, el("dt", {}, reason), el("dd", {}, candidates.join(", "))));
  return section(`Masked: ${masked.length}`, el("dl", { class: "masks" }, rows));
}

function runs(list) {
  const rows = list.map((run) => ({ cells: [run.agent, plain(run.event), run.reason, time(run.ms)] }));
  return section("Agents that ran", table("Agents that ran", [["agent"], ["outcome"], ["because", "prose"], ["time", "number"]], rows));
}

function calls(list) {
  const rows = list.map((call) => ({
    cells: [call.model, call.error ?? "ok", `${call.input_tokens} in, ${call.output_tokens} out`, money(call.cost_usd),
      time(call.first_token_ms), time(call.ms)],
  }));
  const columns = [["model"], ["result"], ["tokens", "number"], ["cost", "number"], ["first token", "number"], ["time", "number"]];
  return section("Calls to models", table("Calls to models", columns, rows));
}

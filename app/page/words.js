// How amounts, times and reasons are said, as the terminal's chat says them.

const GAVE_BACK = new Set(["declined", "failed", "hand_over"]);
const WON = { start: "fits best", switch: "fits better than the one before", stay: "keeps the floor" };

/** Return an amount in USD; an unknown one says so. */
export function money(usd) {
  if (usd === null || usd === undefined) return "price unknown";
  if (usd === 0) return "$0";
  return `$${usd >= 1 ? usd.toFixed(2) : usd >= 0.001 ? usd.toFixed(4) : usd.toFixed(6)}`;
}

/** Return a time that is given in milliseconds. */
export function time(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Return a name of a phase or event as words. */
export const plain = (name) => String(name ?? "").replaceAll("_", " ");

/** Return who served, why, what it cost and how long it took: the line under an answer. */
export function quietLine(moma) {
  const record = moma.record;
  const parts = [moma.served_by?.id ?? "router", record ? because(record) : plain(moma.phase)];
  if (record?.stepped) parts.push(stepTold(record.stepped));
  if (moma.cost_usd !== undefined) parts.push(money(moma.cost_usd));
  parts.push(time(record?.timings_ms?.total));
  return parts.filter(Boolean).join(" · ");
}

/** Return the step from the model that was wanted to the one that served. */
export const stepTold = (step) => `stepped ${step.direction} from ${step.from} to ${step.to}: ${step.reason}`;

/** Return why it was that one, in a few words. */
function because(record) {
  const { agents, models, runs } = record;
  const served = record.served_by ?? {};
  const words = runs.filter((run) => GAVE_BACK.has(run.event)).map((run) => `${run.agent} ${plain(run.event)}`);
  if (record.degraded) words.push("routing failed");
  else if (agents.decision === "none") {
    const [nearest] = agents.considered;
    words.push(nearest ? `no agent fits (nearest: ${nearest.id})` : "no agent may serve");
  } else if (served.kind === "agent") words.push(WON[agents.decision] ?? "goes on");
  if (served.kind === "model" && models?.order.length > 1)
    words.push(`first of ${models.order.length} for ${models.preference}`);
  if (served.kind === "model" && record.phase_to === "awaiting_input") words.push("the question before still waits");
  return words.join(", ");
}

/** Return in one line who served and why, with every reason that was noted. */
export function whyTold(record) {
  const reasons = record.runs.filter((r) => GAVE_BACK.has(r.event)).map((r) => `${r.agent}: ${r.reason}`);
  reasons.push(record.agents.reason);
  if (record.served_by?.kind === "model") reasons.push(record.models?.reason);
  const served = record.served_by ?? {};
  const who = served.kind === "router" ? "The router itself" : served.id;
  const held = record.runs.length ? "The holder of the floor goes on." : "";
  return `${who} served. ${reasons.filter(Boolean).join("; ") || held}`;
}

// Draws what was spent beside what always taking the best model would have cost; they are compared over the turns where
// both are known.

import { draw, el } from "./dom.js";
import { money } from "./words.js";

/** Draw into `place`; `turns` are those that ended. */
export function drawSpend(place, turns) {
  const ended = turns.filter((turn) => turn.moma?.served_by);
  const paid = ended.filter(({ moma }) => isNumber(moma.cost_usd));
  const known = paid.filter(({ moma }) => isNumber(best(moma)));
  const spent = paid.length || !ended.length ? sum(paid.map(({ moma }) => moma.cost_usd)) : null;
  const always = known.length || !ended.length ? sum(known.map(({ moma }) => best(moma))) : null;
  const most = Math.max(spent, always);
  place.replaceChildren(
    bar("This conversation", spent, most, "own"),
    bar("Always the best model", always, most, "best"),
    el("p", { class: "note" }, told(ended.length, known.length, sum(known.map(({ moma }) => moma.cost_usd)), always)),
  );
}

const isNumber = (value) => typeof value === "number";
const best = (moma) => moma.record?.always_best?.cost_usd ?? moma.always_best_usd;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

function bar(name, usd, most, kind) {
  const share = usd > 0 ? Math.max(0.004, usd / most) : 0;
  return el("div", { class: "bar" },
    el("span", {}, name), el("b", {}, money(usd)),
    draw("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("rect", { class: "rail", width: 100, height: 6 }),
      draw("rect", { class: kind, width: 100 * share, height: 6 })));
}

function told(ended, known, spent, always) {
  if (!ended) return "Nothing yet.";
  const turns = `${known} ${known === 1 ? "turn" : "turns"}`;
  const left = ended - known;
  const rest = left ? ` ${left} more without a known price ${left === 1 ? "is" : "are"} left out.` : "";
  if (!known) return `What the best model would have cost is not known for ${ended === 1 ? "this turn" : "these turns"}.`;
  if (always <= spent) return `Over ${turns}.${rest}`;
  return `${Math.floor(100 * (1 - spent / always))} % less, over ${turns}.${rest}`;
}

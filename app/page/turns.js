// Draws the turns of a conversation: what was asked, the answer, the quiet line that opens the decision, an error.

import { el } from "./dom.js";
import { drawMarkdown } from "./markdown.js";
import { drawRecord } from "./record.js";
import { quietLine } from "./words.js";

/** One turn on the page; `again` is called to take it once more. */
export class TurnView {
  constructor(turn, { again }) {
    this.turn = turn;
    this.again = again;
    this.answer = el("div", { class: "answer" });
    this.foot = el("div", { class: "foot" });
    this.node = el("li", { class: "turn" },
      el("div", { class: "asked" }, el("h2", { class: "sr" }, "You"), el("p", { dir: "auto" }, turn.text)),
      el("div", { class: "told" }, el("h2", { class: "sr" }, "MoMA"), this.answer, this.foot));
    this.waiting = 0;
    this.draw();
  }

  /** Draw what came; at most once for each picture that the screen shows. */
  soon() {
    this.waiting ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    const { turn } = this;
    this.node.dataset.state = turn.state;
    drawMarkdown(this.answer, turn.answer);
    if (turn.state === "running") this.foot.replaceChildren(el("p", { class: "quiet running" }, turn.who ? `${turn.who} answers` : "Choosing who answers"));
    else if (turn.state === "failed") this.foot.replaceChildren(this.fault());
    else if (turn.state === "stopped") this.foot.replaceChildren(el("p", { class: "quiet" }, "Stopped."));
    else if (!this.foot.firstChild?.classList.contains("decision")) this.foot.replaceChildren(this.decision());
  }

  /** What went wrong; a message of which only the beginning is kept is not sent again, as it would be another one. */
  fault() {
    return el("div", { class: "fault", role: "alert" }, el("p", {}, this.turn.error),
      this.turn.isCut ? null : el("button", { type: "button", onclick: () => this.again(this.turn) }, "Try again"));
  }

  decision() {
    const { moma } = this.turn;
    const details = el("details", { class: "decision" }, el("summary", { class: "quiet" }, quietLine(moma)));
    details.addEventListener("toggle", () => {
      if (details.open && details.childNodes.length === 1) details.append(drawRecord(moma));
    });
    return details;
  }
}

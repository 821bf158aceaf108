// What the page keeps in the browser: the conversation and the settings until they are cleared, the key until the tab
// is closed.

const CONVERSATION = "moma.conversation";
const KEPT_TURNS = 200;
const KEPT_RECORDS = 60;

/** Return a new id; `randomUUID` is there only over https and on loopback. */
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const fresh = () => ({ id: newId(), turns: [] });

function conversation() {
  try {
    const kept = JSON.parse(localStorage.getItem(CONVERSATION));
    if (typeof kept?.id === "string" && Array.isArray(kept.turns)) return kept;
  } catch {
    // what is not readable is begun anew
  }
  return fresh();
}

export const store = {
  conversation: conversation(),
  get key() { return sessionStorage.getItem("moma.key"); },
  set key(value) { sessionStorage.setItem("moma.key", value); },
  get preference() { return JSON.parse(localStorage.getItem("moma.preference") ?? "null"); },
  set preference(value) { localStorage.setItem("moma.preference", JSON.stringify(value)); },

  /** Begin another conversation, which is another thread. */
  begin() {
    this.conversation = fresh();
    this.save();
  },

  /** Keep the conversation; old decision records go first where there is no room. */
  save() {
    const { id, turns } = this.conversation;
    for (const records of [KEPT_RECORDS, 5, 0]) {
      const kept = turns.slice(-KEPT_TURNS).map((turn, n, all) =>
        n >= all.length - records || !turn.moma?.record ? turn : { ...turn, moma: { ...turn.moma, record: undefined, dropped: true } });
      try {
        localStorage.setItem(CONVERSATION, JSON.stringify({ id, turns: kept }));
        return;
      } catch {
        // the browser's room is used up: try with fewer
      }
    }
  },
};

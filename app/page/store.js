// What the page keeps in the browser: conversations and settings until they are cleared, which conversation a tab shows
// and the key until the tab is closed.

const NEWEST = "moma.conversation";
const KEPT_TURNS = 200;
const KEPT_RECORDS = 60;
const KEPT_OF_FAILED = 2_000; // characters of a message that was not answered, where there is no room for more

/** Return a new id; `randomUUID` is there only over https and on loopback. */
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const place = (id) => `${NEWEST}.${id}`;
const fresh = () => ({ id: newId(), turns: [] });

/** Return what is kept of a conversation, null where that is nothing that can be read. */
function kept(id) {
  try {
    const turns = JSON.parse(localStorage.getItem(place(id)));
    return Array.isArray(turns) ? { id, turns } : null;
  } catch {
    return null;
  }
}

/** Return the tab's conversation, or the one that was begun last. */
function conversation() {
  const id = sessionStorage.getItem(NEWEST) ?? localStorage.getItem(NEWEST);
  const found = (id && kept(id)) || fresh();
  sessionStorage.setItem(NEWEST, found.id);
  return found;
}

/** Return a turn in fewer characters: without its decision, and cut where it failed. */
const shortened = (turn) => ({
  ...turn,
  text: turn.state === "failed" ? turn.text.slice(0, KEPT_OF_FAILED) : turn.text,
  moma: turn.moma?.record ? { ...turn.moma, record: undefined, dropped: true } : turn.moma,
});

export const store = {
  conversation: conversation(),
  get key() { return sessionStorage.getItem("moma.key"); },
  set key(value) { sessionStorage.setItem("moma.key", value); },
  get preference() { return JSON.parse(localStorage.getItem("moma.preference") ?? "null"); },
  set preference(value) { localStorage.setItem("moma.preference", JSON.stringify(value)); },

  /** Begin another conversation, which is another thread; of the one before nothing is kept. */
  begin() {
    localStorage.removeItem(place(this.conversation.id));
    this.conversation = fresh();
    sessionStorage.setItem(NEWEST, this.conversation.id);
    this.save();
  },

  /** Take in what other tabs have kept of this conversation, new turns and answers; return whether there was anything. */
  join() {
    const { id, turns } = this.conversation;
    const own = new Map(turns.map((turn) => [turn.id, turn]));
    const isNews = (turn) => !own.has(turn.id) || (turn.state === "done" && own.get(turn.id).state !== "done");
    const news = (kept(id)?.turns ?? []).filter(isNews);
    for (const turn of news) {
      if (own.has(turn.id)) Object.assign(own.get(turn.id), turn);
      else turns.push(turn);
    }
    turns.sort((one, two) => one.at - two.at);
    return news.length > 0;
  },

  /** Keep the conversation; old decisions go first where there is no room, then old turns. Return whether it is kept. */
  save() {
    const { id, turns } = this.conversation;
    this.join();
    for (const [most, whole] of [[KEPT_TURNS, KEPT_RECORDS], [KEPT_TURNS, 5], [KEPT_TURNS, 0], [50, 0], [10, 0], [1, 0]]) {
      const last = turns.slice(-most);
      const written = last.map((turn, n) => (n >= last.length - whole ? turn : shortened(turn)));
      try {
        localStorage.setItem(place(id), JSON.stringify(written));
        localStorage.setItem(NEWEST, id);
        return true;
      } catch {
        // the browser's room is used up: try with less
      }
    }
    return false;
  },
};

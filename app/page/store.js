// What the page keeps in the browser: conversations and settings until they are cleared, which conversation a tab shows
// and the key until the tab is closed. A browser may keep nothing, or be full: a tab goes by what it holds itself.

const NEWEST = "moma.conversation";
const KEY = "moma.key";
const PREFERENCE = "moma.preference";
const THEME = "moma.theme";
const KEPT_TURNS = 200;
const KEPT_RECORDS = 60;
const KEPT_OF_FAILED = 2_000; // characters of a message that was not answered, where there is no room for more

/** Return a new id; `randomUUID` is there only over https and on loopback. */
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const place = (id) => `${NEWEST}.${id}`;
const fresh = () => ({ id: newId(), turns: [] });

/** Return what `work` gives, null where it throws, as all of a storage does that is blocked. */
function attempt(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

const ofTab = (name) => attempt(() => sessionStorage.getItem(name));
const ofAll = (name) => attempt(() => localStorage.getItem(name));
const keepInTab = (name, value) => attempt(() => sessionStorage.setItem(name, value));
const keepForAll = (name, value) => attempt(() => localStorage.setItem(name, value));

const isTurn = (turn) => typeof turn?.text === "string" && typeof turn.answer === "string" && (turn.state !== "done" || Boolean(turn.moma));

/** Return what is kept of a conversation, null where that is nothing that can be read. */
function kept(id) {
  const turns = attempt(() => JSON.parse(localStorage.getItem(place(id))));
  return Array.isArray(turns) ? { id, turns: turns.filter(isTurn) } : null;
}

function forgetAllBut(id) {
  for (const name of Object.keys(localStorage)) if (name.startsWith(place("")) && name !== place(id)) localStorage.removeItem(name);
}

/** Return the tab's conversation, or the one that was begun last. */
function conversation() {
  const id = ofTab(NEWEST) ?? ofAll(NEWEST);
  const found = (id && kept(id)) || fresh();
  keepInTab(NEWEST, found.id);
  return found;
}

const isPreference = (value) => typeof value === "number" || ["cost", "auto", "performance"].includes(value);
const chosen = attempt(() => JSON.parse(localStorage.getItem(PREFERENCE)));

let key = ofTab(KEY);
let preference = isPreference(chosen) ? chosen : null;

/** Return the end of a turn without its decision, but for what the spend is compared with. */
const withoutRecord = ({ record, ...moma }) => ({ ...moma, always_best_usd: record.always_best?.cost_usd, dropped: true });

/** Return a turn in fewer characters: without its decision, and cut where it failed. */
const shortened = (turn) => ({
  ...turn,
  ...(turn.state === "failed" && turn.text.length > KEPT_OF_FAILED ? { text: `${turn.text.slice(0, KEPT_OF_FAILED)}…`, isCut: true } : {}),
  moma: turn.moma?.record ? withoutRecord(turn.moma) : turn.moma,
});

export const store = {
  conversation: conversation(),
  get key() { return key; },
  set key(value) {
    key = value;
    keepInTab(KEY, value);
  },
  get preference() { return preference; },
  set preference(value) {
    preference = value;
    keepForAll(PREFERENCE, JSON.stringify(value));
  },
  set theme(value) { keepForAll(THEME, value); },

  /** Begin another conversation, which is another thread; of the one before nothing is kept. */
  begin() {
    attempt(() => localStorage.removeItem(place(this.conversation.id)));
    this.conversation = fresh();
    keepInTab(NEWEST, this.conversation.id);
    this.save();
  },

  /** Take in what other tabs have kept of this conversation: new turns, and how theirs ended; return whether there was anything. */
  join() {
    const { id, turns } = this.conversation;
    const own = new Map(turns.map((turn) => [turn.id, turn]));
    const isNews = (turn) => {
      const known = own.get(turn.id);
      if (!known || turn.state === "done") return known?.state !== "done";
      return known.state === "running" && turn.state !== "running" && turn.at === known.at;
    };
    const news = (kept(id)?.turns ?? []).filter(isNews);
    for (const turn of news) {
      if (own.has(turn.id)) Object.assign(own.get(turn.id), turn);
      else turns.push(turn);
    }
    turns.sort((one, two) => one.at - two.at);
    return news.length > 0;
  },

  /**
   * Keep the conversation. Where there is no room old decisions go first, then what other tabs have left behind (one that
   * is open keeps its own again), then old turns. Return whether it is kept.
   */
  save() {
    const { id, turns } = this.conversation;
    this.join();
    for (const [most, whole] of [[KEPT_TURNS, KEPT_RECORDS], [KEPT_TURNS, 5], [KEPT_TURNS, 0], [50, 0], [10, 0], [1, 0]]) {
      if (most < KEPT_TURNS) attempt(() => forgetAllBut(id));
      const last = turns.slice(-most);
      const written = last.map((turn, n) => (n >= last.length - whole ? turn : shortened(turn)));
      try {
        localStorage.setItem(place(id), JSON.stringify(written));
        localStorage.setItem(NEWEST, id);
        return true;
      } catch {
        // the browser's room is used up, if it has any: try with less
      }
    }
    return false;
  },
};

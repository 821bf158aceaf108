// The page: takes what the user does, runs turns, and keeps the drawings in step with them.

import { Fault, read, takeTurn } from "./api.js";
import { at, el } from "./dom.js";
import { Machine } from "./machine.js";
import { numbered } from "./markdown.js";
import { keepScrolled } from "./scroll.js";
import { drawSettings, settingsOf } from "./settings.js";
import { drawSpend } from "./spend.js";
import { newId, store } from "./store.js";
import { TurnView } from "./turns.js";

const EXAMPLES = ["What is 17% of 2,350?", "What time is it in Tokyo?", "remind me to call the dentist tomorrow at 9", "Write a haiku about rain"];
const LONGEST_ASKED = 100;

const message = at("message");
const scroll = keepScrolled(at("scroll"));
let machine = null;
let running = null;

// turns

/** Return the messages of a request: what was said before, and what is asked now. */
function messagesOf(turn) {
  const { turns } = store.conversation;
  const before = turns.slice(0, turns.indexOf(turn)).filter((t) => t.answer && t.state !== "failed").slice(-LONGEST_ASKED);
  const said = before.flatMap((t) => [{ role: "user", content: t.text }, { role: "assistant", content: t.answer }]);
  return [...said, { role: "user", content: turn.text }];
}

function send(text) {
  if (running || !text.trim()) return;
  const turn = { id: newId(), at: Date.now(), text: text.trim(), answer: "", state: "running", retry: newId() };
  store.conversation.turns.push(turn);
  run(turn, show(turn));
}

/** Take a turn that failed once more: by the same key if no answer came, as the server may have taken it. */
function again(turn) {
  if (running) return;
  if (turn.status) turn.retry = newId();
  Object.assign(turn, { at: Date.now(), answer: "", state: "running", status: null, error: null, who: null });
  const { turns } = store.conversation;
  turns.splice(turns.indexOf(turn), 1);
  turns.push(turn);
  views.get(turn)?.node.remove();
  run(turn, show(turn));
}

async function run(turn, view) {
  running = { turn, stopped: new AbortController() };
  message.focus(); // what was pressed is gone: an example, a reply, Send, Try again
  drawBusy();
  scroll.toEnd();
  store.save(); // a tab that is closed now shows the question again, and asks it by the same key
  at("status").textContent = "Waiting for an answer.";
  try {
    const tell = ({ who, text }) => {
      turn.who = who ?? turn.who;
      turn.answer += text ?? "";
      view.soon();
      scroll.follow();
    };
    const body = { messages: messagesOf(turn), ...settingsOf() };
    const { signal } = running.stopped;
    turn.moma = await takeTurn({ body, session: store.conversation.id, retry: turn.retry, signal, tell });
    turn.state = "done";
  } catch (error) {
    if (error.name === "AbortError") turn.state = "stopped";
    else if (turn.state === "running") failed(turn, error); // else the page is left, which broke the turn off
  }
  running = null;
  view.draw();
  at("unkept").hidden = store.save();
  drawTurns();
  drawBusy();
  at("status").textContent = [spoken(turn, view), at("unkept").hidden ? "" : at("unkept").textContent].join(" ");
  scroll.follow();
}

function failed(turn, error) {
  const fault = error instanceof Fault ? error : new Fault("The answer could not be read.");
  if (!(error instanceof Fault)) console.error(error);
  const wait = fault.retryAfter && fault.retryAfter < 120 ? ` Try again in ${fault.retryAfter} s.` : "";
  const said = fault.message.charAt(0).toUpperCase() + fault.message.slice(1).replace(/[.\s]*$/, ".");
  Object.assign(turn, { state: "failed", status: fault.status, error: said + wait });
  if (fault.status === 401) askForKey();
}

function spoken(turn, view) {
  if (turn.state === "stopped") return "Stopped.";
  if (turn.state === "failed") return "";
  const who = turn.moma.served_by?.id ?? "MoMA";
  return `${who} answered: ${view.answer.innerText.slice(0, 600)}`;
}

// drawings

const views = new Map();

function show(turn) {
  const view = new TurnView(turn, { again });
  views.set(turn, view);
  at("turns").append(view.node);
  at("welcome").hidden = true;
  return view;
}

/** Draw each turn in its place, with how it ended; what is drawn so already is left alone, open decisions and all. */
function drawTurns() {
  store.conversation.turns.forEach((turn, n) => {
    const view = views.get(turn) ?? show(turn);
    if (view.node.dataset.state !== turn.state) view.draw();
    const there = at("turns").children[n];
    if (there !== view.node) there.before(view.node);
  });
  drawState();
}

/** Take in what other tabs have kept; a turn that runs here takes it in at its end. */
function follow() {
  if (running || !store.join()) return;
  drawTurns();
  scroll.follow();
}

/** End a turn of which this page hears no more. */
const breakOff = (turn, error) => Object.assign(turn, { state: turn.answer ? "stopped" : "failed", error });

function leave() {
  if (!running) return;
  breakOff(running.turn, "The page was closed before the answer came.");
  store.save();
}

function drawBusy() {
  at("send").hidden = Boolean(running);
  at("stop").hidden = !running;
  at("turns").setAttribute("aria-busy", String(Boolean(running))); // not what holds the status, which is to be heard
  for (const button of document.querySelectorAll("#ask button, .fault button")) button.disabled = Boolean(running);
}

/** Draw what follows from the turns: phase, spend, and the buttons that answer an open question. */
function drawState() {
  const ended = store.conversation.turns.filter((turn) => turn.state === "done");
  const last = ended.at(-1);
  const phase = last?.moma.phase || "idle";
  machine?.show(phase, last ? transitionOf(ended) : null);
  drawSpend(at("spend"), ended);
  const isLast = last && last === store.conversation.turns.at(-1);
  drawReplies(isLast ? repliesTo(phase, last.answer) : []);
}

function transitionOf(ended) {
  const { record, phase } = ended.at(-1).moma;
  if (!record) return { from: ended.at(-2)?.moma.phase || "idle", to: phase, events: ["turn"] };
  const events = [record.event, record.agents.decision, ...record.runs.map((run) => run.event)];
  return { from: record.phase_from, to: record.phase_to ?? phase, events: events.filter((e, n) => e && e !== events[n - 1]) };
}

function repliesTo(phase, answer) {
  if (phase === "awaiting_approval") return ["Yes", "No"];
  return phase === "awaiting_choice" ? numbered(answer) : [];
}

function drawReplies(replies) {
  const ask = at("ask");
  ask.hidden = replies.length === 0;
  ask.replaceChildren(...replies.map((reply) => el("button", { type: "button", onclick: () => answerBy(reply) }, reply)),
    el("span", { class: "note" }, "or write something else"));
}

function answerBy(text) {
  drawReplies([]);
  send(text);
}

// what the user does

function grow() {
  message.style.height = "auto";
  message.style.height = `${Math.min(message.scrollHeight, 200)}px`;
}

function submit() {
  if (running || !message.value.trim()) return;
  const text = message.value;
  message.value = "";
  grow();
  drawReplies([]);
  send(text);
}

const stop = () => {
  running?.stopped.abort();
  message.focus();
};

function begin() {
  if (document.body.classList.contains("side-open")) turnSide();
  stop();
  store.begin();
  views.clear();
  at("turns").replaceChildren();
  at("welcome").hidden = false;
  drawState();
  message.focus();
}

function askForKey() {
  if (store.key) at("key-told").textContent = "The server does not take this key; give it another one.";
  at("key").hidden = false;
  at("key-field").focus();
}

function useKey() {
  const key = at("key-field").value.trim();
  if (!key) return;
  store.key = key;
  at("key-field").value = "";
  at("key").hidden = true;
  loadModels();
  message.focus();
}

function drawTheme() {
  const isDark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  at("theme").textContent = isDark ? "Light" : "Dark";
  return isDark;
}

function turnTheme() {
  const chosen = drawTheme() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  store.theme = chosen;
  drawTheme();
}

function turnSide() {
  const isOpen = document.body.classList.toggle("side-open");
  at("show-side").setAttribute("aria-expanded", String(isOpen));
  at("show-side").textContent = isOpen ? "Chat" : "State";
}

/** Whether a key ends a composition; Safari says so by its code alone: https://bugs.webkit.org/show_bug.cgi?id=165004 */
const isComposing = (event) => event.isComposing || event.keyCode === 229;

function listen() {
  at("compose").addEventListener("submit", (event) => {
    event.preventDefault();
    if (document.activeElement === at("key-field")) useKey();
    else submit();
  });
  message.addEventListener("input", grow);
  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    submit();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && running && !isComposing(event) && stop());
  at("stop").addEventListener("click", stop);
  at("new").addEventListener("click", begin);
  at("key-use").addEventListener("click", useKey);
  at("theme").addEventListener("click", turnTheme);
  at("show-side").addEventListener("click", turnSide);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);
  addEventListener("pagehide", leave);
  addEventListener("storage", follow);
}

async function loadModels() {
  try {
    drawSettings((await read("/v1/models")).data);
  } catch (error) {
    if (error.status === 401) askForKey();
    else at("status").textContent = `The models cannot be listed: ${error.message}`;
  }
}

async function start() {
  listen();
  drawTheme();
  drawSettings([]);
  at("examples").replaceChildren(...EXAMPLES.map((text) =>
    el("li", {}, el("button", { type: "button", onclick: () => send(text) }, text))));
  for (const turn of store.conversation.turns)
    if (turn.state === "running") breakOff(turn, "Another tab waits for the answer, or was cut off from it.");
  drawTurns();
  scroll.toEnd();
  message.focus();
  loadModels();
  try {
    machine = new Machine(at("machine"), await read("/v1/machine"));
    drawState();
  } catch (error) {
    at("machine").textContent = `The state machine cannot be drawn: ${error.message}`;
  }
}

await start();
document.documentElement.dataset.ready = "true";

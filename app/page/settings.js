// Who may serve and at which preference: the two knobs under the message field.

import { at, el } from "./dom.js";
import { store } from "./store.js";

const STOPS = { cost: 0, auto: 0.5, performance: 1 };
const model = at("model");
const slider = at("preference");
const buttons = [...document.querySelectorAll("[data-preference]")];

for (const button of buttons) button.addEventListener("click", () => prefer(button.dataset.preference));
slider.addEventListener("input", () => prefer(named(Number(slider.value))));
model.addEventListener("change", drawPreference);

/** Return the fields of a request that the knobs stand for; an untouched preference is the server's to choose. */
export function settingsOf() {
  const isChosen = model.value !== "auto" || store.preference === null;
  return { model: model.value, ...(isChosen ? {} : { preference: store.preference }) };
}

/** Draw the picker from the entries of `/v1/models`. */
export function drawSettings(entries) {
  const before = model.value;
  const group = (label, kind) => {
    const options = entries.filter((entry) => entry.moma.kind === kind).map(option);
    return options.length ? el("optgroup", { label }, options) : null;
  };
  model.replaceChildren(el("option", { value: "auto" }, "whoever fits"),
    ...[group("Agents", "agent"), group("Models", "model")].filter(Boolean));
  model.value = [...model.options].some((o) => o.value === before && !o.disabled) ? before : "auto";
  drawPreference();
}

function option({ id, moma }) {
  const reason = moma.masked ? `: ${moma.masked}` : "";
  return el("option", { value: id, disabled: Boolean(moma.masked), title: moma.masked }, `${id.replace(/^agent:/, "")}${reason}`);
}

const named = (number) => Object.keys(STOPS).find((name) => STOPS[name] === number) ?? number;

function prefer(preference) {
  store.preference = preference;
  drawPreference();
}

function drawPreference() {
  const { preference } = store;
  const number = STOPS[preference] ?? preference ?? STOPS.auto;
  slider.value = number;
  slider.disabled = model.value !== "auto";
  const told = preference === null ? "default" : typeof preference === "number" ? number.toFixed(2) : preference;
  slider.setAttribute("aria-valuetext", told);
  at("preference-told").textContent = preference in STOPS ? "" : told;
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.preference === preference));
    button.disabled = slider.disabled;
  }
}

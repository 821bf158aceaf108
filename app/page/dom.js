// Makes elements. Text becomes text nodes: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element; `given` holds attributes, `on…` listeners; children are nodes, texts, or nothing. */
export function el(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** Return an element of a drawing. */
export function draw(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(node, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

/** Return the element of the page with this id. */
export const at = (id) => document.getElementById(id);

/** Return a table that scrolls by itself where it is too wide; columns are [title, kind?]. */
export function table(caption, columns, rows) {
  const kinds = columns.map(([, kind]) => kind);
  return el("div", { class: "wide", tabindex: "0", role: "group", "aria-label": caption },
    el("table", {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title)))),
      el("tbody", {}, rows.map((row) =>
        el("tr", { class: row.marked ? "marked" : null }, row.cells.map((cell, n) => el("td", { class: kinds[n] }, cell)))))));
}

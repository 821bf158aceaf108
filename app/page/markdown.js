// Draws Markdown. It knows no HTML: whatever a text holds becomes text nodes in a few kinds of elements, pictures
// become links to them, and a link leads to http, https or mailto only.

import { el } from "./dom.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?: +(.*))?$/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,} *$/;
const CELLS = /^\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?$/;
const LINK = /^!?\[([^[\]]*)\]\(\s*<?((?:[^\s()<>]|\([^\s()<>]*\))*)>?(?:\s+"[^"]*")?\s*\)/;
const ADDRESS = /^https?:\/\/(?:[^\s<>"'`()]|\([^\s<>"'`()]*\))*(?:[^\s<>"'`.,;:!?()\]}*_~]|\([^\s<>"'`()]*\))/;
const BRACKETED = /^<(https?:\/\/[^\s<>]+)>/;
const WIDEST = 2_000; // characters of a line that is more than text, so that no form is looked for in a huge one
const DEEPEST = 8;
const LONGEST = 20_000;
const FARTHEST = 1_000; // between two marks of emphasis, so that a text full of them is drawn in no time

/** Draw `text` into `place`; blocks that are as they were are left alone, so that a stream costs its last block. */
export function drawMarkdown(place, text) {
  const blocks = split(text.replaceAll("\r\n", "\n").split("\n"));
  const kept = place.drawn ?? [];
  let same = 0;
  while (same < kept.length && same < blocks.length && kept[same] === blocks[same].raw) same += 1;
  while (place.childNodes.length > same) place.lastChild.remove();
  place.append(...blocks.slice(same).map((block) => drawn(block, 0)));
  place.drawn = blocks.map((block) => block.raw);
}

/** Return the items of the first numbered list of a text, each as what stands in bold in it, or all of it. */
export function numbered(text) {
  const list = split(text.split("\n")).find((block) => block.kind === "list" && block.ordered);
  return (list?.items ?? []).map((lines) => {
    const bold = /\*\*(.+?)\*\*/.exec(lines[0]);
    return (bold ? bold[1] : lines[0]).trim();
  });
}

function split(lines) {
  const blocks = [];
  let n = 0;
  const take = (kind, end, rest) => {
    blocks.push({ kind, raw: `${kind}\n${lines.slice(n, end).join("\n")}`, ...rest });
    n = end;
  };
  while (n < lines.length) {
    const line = lines[n];
    const fence = formed(FENCE, line);
    const heading = formed(HEADING, line);
    if (!line.trim()) n += 1;
    else if (fence) {
      let end = n + 1;
      const closing = (l) => l.trim().startsWith(fence[1]) && !l.trim().replaceAll(fence[1][0], "");
      while (end < lines.length && !closing(lines[end])) end += 1;
      take("code", Math.min(end + 1, lines.length), { text: lines.slice(n + 1, end).join("\n"), language: fence[2].trim() });
    } else if (heading) take("heading", n + 1, { level: heading[1].length, text: unclosed(heading[2]) });
    else if (formed(RULE, line)) take("rule", n + 1, {});
    else if (/^ {0,3}>/.test(line)) {
      let end = n + 1;
      while (end < lines.length && /^ {0,3}>/.test(lines[end])) end += 1;
      take("quote", end, { lines: lines.slice(n, end).map((l) => l.replace(/^ {0,3}> ?/, "")) });
    } else if (formed(ITEM, line)) {
      const end = endOfList(lines, n);
      take("list", end, listOf(lines.slice(n, end)));
    } else if (isTable(lines, n)) {
      let end = n + 2;
      while (end < lines.length && lines[end].includes("|")) end += 1;
      take("table", end, { rows: [lines[n], ...lines.slice(n + 2, end)].map(cells), sides: cells(lines[n + 1]) });
    } else {
      let end = n + 1;
      while (end < lines.length && lines[end].trim() && !begins(lines, end)) end += 1;
      take("text", end, { text: lines.slice(n, end).map((l) => l.trim()).join("\n") });
    }
  }
  return blocks;
}

const formed = (form, line) => (line.length > WIDEST ? null : form.exec(line));

/** Return a heading without the marks that may close it. */
function unclosed(text) {
  const bare = text.trimEnd();
  let end = bare.length;
  while (bare[end - 1] === "#") end -= 1;
  return end === 0 || /\s/.test(bare[end - 1]) ? bare.slice(0, end).trimEnd() : bare;
}

const begins = (lines, n) =>
  [FENCE, HEADING, RULE, ITEM, /^ {0,3}>/].some((form) => formed(form, lines[n])) || isTable(lines, n);

const isTable = (lines, n) => lines[n].includes("|") && n + 1 < lines.length && lines[n + 1].includes("-") &&
  formed(CELLS, lines[n + 1].trim()) && cells(lines[n + 1]).length === cells(lines[n]).length;

const cells = (line) => line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/)
  .map((cell) => cell.trim().replaceAll("\\|", "|"));

function endOfList(lines, start) {
  const [, indent, mark] = ITEM.exec(lines[start]);
  const isOrdered = /\d/.test(mark);
  let end = start + 1;
  for (let n = end; n < lines.length; n += 1) {
    const item = formed(ITEM, lines[n]);
    const deeper = /^ */.exec(lines[n])[0].length > indent.length;
    if (!lines[n].trim()) continue;
    const goesOn = deeper || (item && /\d/.test(item[2]) === isOrdered) || (!item && lines[n - 1].trim() && !begins(lines, n));
    if (!goesOn) break;
    end = n + 1;
  }
  return end;
}

function listOf(lines) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const item = formed(ITEM, line);
    if (item && item[1].length <= indent.length + 1) items.push([item[3] ?? ""]);
    else items.at(-1).push(line.replace(new RegExp(`^ {0,${indent.length + (/\d/.test(mark) ? 3 : 2)}}`), ""));
  }
  return { items, ordered: /\d/.test(mark), first: parseInt(mark, 10) };
}

function drawn(block, depth) {
  if (block.kind === "code") return el("pre", { tabindex: "0" }, el("code", { "data-language": block.language || null }, block.text));
  if (block.kind === "rule") return el("hr");
  if (block.kind === "heading") return el(`h${Math.min(6, block.level + 2)}`, { dir: "auto" }, inline(block.text, depth));
  if (block.kind === "quote") return el("blockquote", { dir: "auto" }, inside(block.lines, depth));
  if (block.kind === "list") {
    const items = block.items.map((lines) => el("li", {}, tight(lines, depth)));
    return block.ordered ? el("ol", { dir: "auto", start: block.first === 1 ? null : block.first }, items) : el("ul", { dir: "auto" }, items);
  }
  if (block.kind === "table") return drawTable(block, depth);
  return el("p", { dir: "auto" }, inline(block.text, depth));
}

const inside = (lines, depth) =>
  depth > DEEPEST ? [lines.join("\n")] : split(lines).map((block) => drawn(block, depth + 1));

/** Draw an item; one that has a single paragraph needs no element for it. */
function tight(lines, depth) {
  if (depth > DEEPEST) return [lines.join("\n")];
  const blocks = split(lines);
  const isBare = blocks.filter((block) => block.kind === "text").length === 1;
  return blocks.flatMap((block) => (isBare && block.kind === "text" ? inline(block.text, depth + 1) : [drawn(block, depth + 1)]));
}

function drawTable({ rows, sides }, depth) {
  const side = (n) => (/^-+:$/.test(sides[n] ?? "") ? "number" : null);
  const row = (name, texts) => el("tr", {}, texts.map((text, n) => el(name, { class: side(n), dir: "auto" }, inline(text, depth))));
  return el("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Table" },
    el("table", {}, el("thead", {}, row("th", rows[0])), el("tbody", {}, rows.slice(1).map((texts) => row("td", texts)))));
}

/** Return the nodes of a text with emphasis, code and links; lines stay broken where they were. */
function inline(text, depth) {
  if (depth > DEEPEST || text.length > LONGEST) return [text];
  const nodes = [];
  let plain = "";
  const add = (node, length) => {
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(node);
    return length;
  };
  for (let n = 0; n < text.length;) {
    const found = piece(text, n, depth);
    if (found) n += add(found.node, found.length);
    else if (text[n] === "\\" && /[!-/:-@[-`{-~]/.test(text[n + 1] ?? "")) {
      plain += text[n + 1];
      n += 2;
    } else plain += text[n++];
  }
  return plain ? [...nodes, plain] : nodes;
}

function piece(text, n, depth) {
  const c = text[n];
  if (c === "\n") return { node: el("br"), length: 1 };
  if (c === "`") return code(text, n);
  if (c === "[" || (c === "!" && text[n + 1] === "[")) return link(text.slice(n, n + 2_100), depth);
  if (c === "h" && !/\w/.test(text[n - 1] ?? "")) return address(text.slice(n, n + 2_100));
  if (c === "<") return bracketed(text.slice(n, n + 2_100));
  if (c === "*" || c === "_" || c === "~") return stressed(text, n, depth);
  return null;
}

function code(text, n) {
  const ticks = /^`+/.exec(text.slice(n, n + 20))[0];
  const end = text.indexOf(ticks, n + ticks.length);
  if (end < 0) return null;
  const said = text.slice(n + ticks.length, end);
  return { node: el("code", {}, said.replace(/^ (.*) $/, "$1")), length: end + ticks.length - n };
}

function link(text, depth) {
  const found = LINK.exec(text);
  if (!found) return null;
  const said = found[1] || found[2];
  const node = leadsAway(found[2]) ? away(found[2], inline(said, depth + 1)) : el("span", {}, inline(said, depth + 1));
  return { node, length: found[0].length };
}

function address(text) {
  const found = ADDRESS.exec(text);
  return found && { node: away(found[0], [found[0]]), length: found[0].length };
}

function bracketed(text) {
  const found = BRACKETED.exec(text);
  return found && { node: away(found[1], [found[1]]), length: found[0].length };
}

const leadsAway = (href) => /^(https?:\/\/|mailto:)/i.test(href);
const away = (href, said) => el("a", { href, target: "_blank", rel: "noopener noreferrer" }, said);

function stressed(text, n, depth) {
  const mark = /^(\*\*|__|~~|\*|_)/.exec(text.slice(n, n + 2))?.[0];
  if (!mark || /\s/.test(text[n + mark.length] ?? " ")) return null;
  if (mark[0] === "_" && /\w/.test(text[n - 1] ?? "")) return null;
  let end = text.indexOf(mark, n + mark.length);
  while (end > 0) {
    if (end - n > FARTHEST) return null;
    const isInner = mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark);
    const isWord = mark[0] === "_" && /\w/.test(text[end + mark.length] ?? "");
    if (!isInner && !isWord && !/\s/.test(text[end - 1]) && end > n + mark.length) break;
    end = text.indexOf(mark, end + mark.length);
  }
  if (end < 0) return null;
  const isThird = mark.length === 2 && text[end + 2] === mark[0] && text[end + 3] !== mark[0];
  if (isThird) end += 1; // of three marks the first ends what is within
  const name = { "**": "strong", __: "strong", "~~": "del" }[mark] ?? "em";
  return { node: el(name, {}, inline(text.slice(n + mark.length, end), depth + 1)), length: end + mark.length - n };
}

// Long texts that are seen in portions, and a reply's tokens with their shades.

import { ask } from "./data.js";
import { el, round } from "./dom.js";

// Of which run texts on the page are portions.
let run = "";

export function belongTo(name) {
  run = name;
}

export function longText(value, kind = "pre") {
  if (!value || typeof value !== "object") return el(`${kind}.text`, {}, String(value ?? ""));
  const shown = el(`${kind}.text`, {}, value.cut);
  return el("div", {}, shown, more(value, `of ${value.chars.toLocaleString("en")} characters`, (part) =>
    shown.append(part)));
}

// A button that brings the next portion, again and again.
function more(cut, what, take) {
  let next = cut.next;
  const button = el("button.more", { type: "button" }, label());
  function label() {
    return `more: ${next.toLocaleString("en")} ${what} shown`;
  }
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const found = await ask("more", { name: run, at: JSON.stringify(cut.at), from: next });
      take(found.part);
      if (!found.next) return button.remove();
      next = found.next;
      button.textContent = label();
    } catch (error) {
      button.textContent = error.message;
    }
    button.disabled = false;
  });
  return button;
}

// Eight shades: from what was certain to what had less than one chance in a hundred.
const SHADES = [-0.01, -0.05, -0.2, -0.5, -1, -2, -4.6];

function shade(logprob) {
  if (typeof logprob !== "number") return "p0";
  const place = SHADES.findIndex((bound) => logprob >= bound);
  return `p${place < 0 ? SHADES.length : place}`;
}

function pull(advantage) {
  const strength = Math.min(4, Math.ceil(Math.abs(advantage) * 2));
  return strength ? `${advantage > 0 ? "plus" : "minus"}${strength}` : "even";
}

function token([text, logprob]) {
  const chance = typeof logprob === "number" ? Math.exp(logprob) : undefined;
  const told = chance === undefined ? "" : `probability ${round(100 * chance, chance < 0.01 ? 3 : 1)} %`;
  return el(`span.token.${shade(logprob)}`, { title: told }, text);
}

export function tokensOf(cut, advantage) {
  const line = el("div.tokens.text", {}, cut.tokens.map(token));
  const rest = cut.count > cut.next
    ? more(cut, `of ${cut.count.toLocaleString("en")} tokens`, (part) => line.append(...part.map(token)))
    : null;
  const box = el("div", {}, line, rest);
  if (typeof advantage === "number") line.classList.add(pull(advantage));
  return box;
}

export function key(advantage) {
  const swatch = (name, text) => el(`span.token.${name}`, {}, text);
  const shades = el("p.key", { "data-shown": "probability" }, "shade: probability ",
    swatch("p0", "99 %"), swatch("p2", "82 %"), swatch("p4", "37 %"), swatch("p6", "1 %"), swatch("p7", "less"));
  if (typeof advantage !== "number") return shades;
  const choose = (by) => () => {
    document.body.classList.toggle("by-advantage", by);
    for (const each of box.querySelectorAll("button")) {
      each.setAttribute("aria-pressed", String((each.dataset.by === "advantage") === by));
    }
  };
  const now = document.body.classList.contains("by-advantage");
  const button = (by, text) =>
    el("button", { type: "button", "data-by": by, "aria-pressed": String((by === "advantage") === now), onclick: choose(by === "advantage") }, text);
  const box = el("div.key", {}, "shade the planner’s tokens by ",
    button("probability", "probability"), button("advantage", `advantage ${advantage > 0 ? "+" : ""}${round(advantage)}`));
  return el("div", {}, box, shades);
}

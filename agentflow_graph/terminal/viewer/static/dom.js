// Elements and texts. Text of models and tools goes in as text nodes alone: nothing here reads markup.

export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

export function link(view, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const text = new URLSearchParams(kept).toString();
  return `#/${view}${text ? `?${text}` : ""}`;
}

export const LABELS = {
  right: "✓ right", wrong: "✗ wrong", failed: "! failed", unscored: "? unscored",
  answered: "answered", unfinished: "… under way",
};

export function mark(status, reward) {
  const known = Object.hasOwn(LABELS, status) ? status : "unfinished";
  const partly = typeof reward === "number" && reward > 0 && reward < 1 ? ` ${round(reward)}` : "";
  return el(`span.mark.${known}`, {}, LABELS[known] + partly);
}

export function round(value, digits = 2) {
  return typeof value === "number" ? String(Number(value.toFixed(digits))) : "–";
}

export function percent(value) {
  return typeof value === "number" ? `${(100 * value).toFixed(1)} %` : "–";
}

export function seconds(value) {
  if (typeof value !== "number") return "";
  if (value < 1) return `${Math.round(1000 * value)} ms`;
  return value < 120 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`;
}

export function money(value) {
  return typeof value === "number" ? `$${value.toFixed(value && value < 0.1 ? 4 : 2)}` : "";
}

export function count(value, one, many = `${one}s`) {
  return `${Number(value || 0).toLocaleString("en")} ${value === 1 ? one : many}`;
}

export function golds(text) {
  try {
    const found = JSON.parse(whole(text));
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}

// The text of what the server sent, which may be the first part of a longer one.
export function whole(value) {
  return value && typeof value === "object" ? String(value.cut ?? "") : String(value ?? "");
}

// A batch of a training in words: "step 3", "held-out after step 3, temperature 0.7".
export function called(part) {
  const name = whole(part);
  const [, kind, step, warmth] = /^(train|heldout)-(\d+)(?:-([\d.]+))?$/.exec(name) || [];
  if (!kind) return name;
  if (kind === "train") return `step ${Number(step)}`;
  return `held-out ${Number(step) ? `after step ${Number(step)}` : "at the beginning"}${warmth ? `, temperature ${warmth}` : ""}`;
}

export function pages(view, query, found) {
  const last = Math.max(1, Math.ceil(found.count / found.size));
  if (last === 1 && found.page === 1) return null;
  const to = (page, text, rel) =>
    page < 1 || page > last ? null : el("a", { href: link(view, { ...query, page }), rel }, text);
  return el("nav.pages", { "aria-label": "Pages" },
    to(found.page - 1, "← previous", "prev"),
    el("span", {}, `page ${found.page} of ${last.toLocaleString("en")}`),
    to(found.page + 1, "next →", "next"));
}

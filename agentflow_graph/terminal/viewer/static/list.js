// The list of runs, with its filters.

import { ask } from "./data.js";
import { called, count, el, golds, LABELS, link, mark, money, pages, seconds, whole } from "./dom.js";

const ORDERS = {
  begun: "as begun", latest: "latest first", wrong: "wrong first", slow: "slowest first",
  tokens: "most tokens first", turns: "most turns first",
};

function choice(name, title, options, query) {
  if (options.length < 2 && !query[name]) return null;
  const made = el("select", { name, "aria-label": title, onchange: go });
  made.append(el("option", { value: "" }, title));
  for (const [value, text] of options) {
    made.append(el("option", { value, selected: String(query[name] ?? "") === String(value) }, text));
  }
  return made;
}

function go(event) {
  event.preventDefault();
  const form = event.target.form || event.target;
  location.hash = link("runs", Object.fromEntries(new FormData(form)));
}

// A batch of a training is chosen in the list of steps.
function hiddenPart({ part }) {
  return part ? el("input", { name: "part", value: part, "aria-label": "Batch" }) : null;
}

function filters(about, query) {
  const same = (values) => values.map((value) => [value, value]);
  const outcomes = about.statuses.map(([name, n]) => [name, `${LABELS[name]} (${n.toLocaleString("en")})`]);
  const search = el("input", { type: "search", name: "text", id: "search", placeholder: "text of the question",
    value: query.text || "", "aria-label": "Text of the question", autocomplete: "off" });
  return el("form.filters", { onsubmit: go, role: "search" }, search,
    choice("status", "any outcome", outcomes, query),
    choice("tool", "any tool", same(about.tools), query),
    choice("level", "any level", same(about.levels), query),
    choice("step", "any step", about.steps.map((step) => [step, `step ${step}`]), query),
    about.kind === "training" ? hiddenPart(query) : choice("part", "any benchmark", same(about.parts), query),
    choice("order", "order", Object.entries(ORDERS), { order: "begun", ...query }));
}

export function row(run) {
  const wanted = golds(run.golds);
  const where = [called(run.part), run.level, run.turns ? count(run.turns, "turn") : "", run.tokens ? count(run.tokens, "token") : "",
    run.seconds ? seconds(run.seconds) : "", money(run.cost)].filter(Boolean).join(" · ");
  return el("a.row", { href: link("run", { name: run.name }) },
    mark(run.status, run.reward),
    el("span.what", {},
      el("b.text", {}, whole(run.question) || run.name),
      el("span.answer.text", {}, run.error ? whole(run.error) : whole(run.answer) ? `→ ${whole(run.answer)}` : "",
        wanted.length && run.status !== "right" ? el("span.quiet", {}, ` wanted: ${wanted.join(" | ")}`) : null)),
    el("span.where", {}, where));
}

export async function list(about, query) {
  const found = await ask("runs", query);
  const rows = found.runs.map(row);
  return [
    el("h1", {}, count(found.count, "run"), found.cost ? el("small", {}, ` ${money(found.cost)}`) : null),
    filters(about, query),
    rows.length ? el("div.rows", {}, rows) : el("p.none", {}, "No run fits these filters."),
    pages("runs", query, found),
  ];
}

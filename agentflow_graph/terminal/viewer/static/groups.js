// Questions with all their runs, a training's steps, and one group side by side.

import { ask } from "./data.js";
import { called, count, el, golds, LABELS, link, mark, pages, percent, round, seconds, svg, whole } from "./dom.js";

function square([name, status, reward]) {
  return el(`a.square.${status}`, { href: link("run", { name }), title: `${name}: ${status}${typeof reward === "number" ? `, reward ${round(reward)}` : ""}`, "aria-label": `run ${name}: ${status}` });
}

function groupRow(group) {
  const wanted = golds(group.golds);
  const wrong = group.answers.map(whole).filter(Boolean);
  return el("div.row.group", {},
    el("a.what", { href: link("group", { part: group.part, item: group.item }) },
      el("b.text", {}, whole(group.question) || group.item),
      el("span.answer.text", {}, wanted.length ? `wanted: ${wanted.join(" | ")}` : "",
        wrong.length ? el("span.bad", {}, ` got: ${wrong.join(" | ")}`) : null)),
    el("span.squares", {}, group.runs.map(square)),
    el("span.where", {}, [called(group.part), group.level, typeof group.mean === "number" ? `mean ${round(group.mean)}` : ""].filter(Boolean).join(" · ")));
}

// One of two orders: what is shown is said, the other is a link.
function either(now, text, query) {
  return now ? el("b", { "aria-current": "true" }, text) : el("a", { href: link("groups", query) }, text);
}

function legend(found) {
  const statuses = new Set(found.flatMap((group) => group.runs.map(([, status]) => status)));
  const known = Object.keys(LABELS).filter((status) => statuses.has(status));
  return el("p.key", {}, "each square a run:", known.map((status) => [el(`span.square.${status}`), LABELS[status]]));
}

export async function groups(about, query) {
  const chosen = about.kind === "benchmark" && !query.order ? { ...query, order: "wrong" } : query;
  const found = await ask("groups", chosen);
  const order = el("span", {}, "order: ", either(chosen.order !== "wrong", "as begun", { ...query, order: "first", page: "" }),
    " · ", either(chosen.order === "wrong", "wrong first", { ...query, order: "wrong", page: "" }));
  return [
    el("h1.text", {}, query.part ? `${called(query.part)}: ` : "", count(found.count, "question")),
    el("p.tools", {}, order, query.part ? el("a", { href: link("runs", { part: query.part }) }, "as a list of runs") : null),
    found.groups.length ? legend(found.groups) : null,
    found.groups.length ? el("div.rows", {}, found.groups.map(groupRow)) : el("p.none", {}, "No question here yet."),
    pages("groups", query, found),
  ];
}

function bar(batch) {
  const all = Math.max(1, batch.runs);
  const parts = [["right", batch.right], ["wrong", batch.wrong], ["failed", batch.failed], ["unfinished", batch.under_way]];
  const drawn = svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" });
  let at = 0;
  for (const [name, n] of parts) {
    drawn.append(svg("rect", { x: at, y: 0, width: (100 * n) / all, height: 8, class: name }));
    at += (100 * n) / all;
  }
  return drawn;
}

export function batchRow(batch, entry) {
  const part = whole(batch.part);
  const told = [count(batch.questions, "question"), count(batch.runs, "run"), `reward ${round(batch.reward)}`,
    batch.failed ? `${batch.failed} failed` : "", batch.under_way ? `${batch.under_way} under way` : "",
    entry && entry.turns ? count(Number(round(entry.turns)), "turn") : "", entry && entry.tool_errors ? `tool errors ${percent(entry.tool_errors)}` : "",
    entry && typeof entry.kl === "number" ? `KL ${round(entry.kl, 4)}` : "", entry && entry.seconds ? seconds(entry.seconds) : ""];
  return el("a.row.batch", { href: link("groups", { part }), "data-part": part },
    el("b.text", {}, called(part)),
    bar(batch), el("span.share", {}, percent(batch.right / Math.max(1, batch.runs))),
    el("span.where", {}, told.filter(Boolean).join(" · ")));
}

export function curve(entries) {
  const steps = entries.filter((entry) => entry.kind === "step" && typeof entry.reward === "number");
  const marks = entries.filter((entry) => entry.kind === "evaluation" && typeof entry.success === "number");
  if (steps.length + marks.length < 2) return null;
  const last = Math.max(1, ...entries.map((entry) => entry.step));
  const x = (entry) => 4 + (312 * entry.step) / last;
  const y = (value) => 84 - 80 * Math.min(1, Math.max(0, value));
  const drawn = svg("svg", { viewBox: "0 0 320 96", class: "curve", role: "img", "aria-label": "reward of each step, and held-out success" });
  for (const level of [0, 0.5, 1]) drawn.append(svg("line", { x1: 4, x2: 316, y1: y(level), y2: y(level), class: "rule" }));
  drawn.append(svg("polyline", { points: steps.map((entry) => `${x(entry)},${y(entry.reward)}`).join(" "), class: "line" }));
  for (const entry of marks) drawn.append(svg("circle", { cx: x(entry), cy: y(entry.success), r: 3, class: "dot" }));
  return el("figure", {}, drawn, el("figcaption", {}, "line: mean reward of each step (0 to 1) · dots: held-out success"));
}

// The steps of a training that are on the page; a running one adds to them.
export class Steps {
  constructor() {
    this.entries = [];
    this.next = 0;
    this.batches = new Map();
    this.from = 0;
  }

  // Ask for what is new: lines of metrics from where they were left, batches from the last step on.
  async learn() {
    const told = await ask("metrics", { from: this.next });
    this.entries.push(...told.entries);
    this.next = told.next;
    let found;
    do {
      found = await ask("batches", { from: this.from });
      for (const batch of found.batches) {
        this.batches.set(whole(batch.part), batch);
        this.from = Math.max(this.from, batch.step);
      }
    } while (found.more && found.batches.length > 1 && found.batches[0].step < this.from);
  }

  entry(batch) {
    return this.entries.findLast((each) => each.part === whole(batch.part));
  }

  draw() {
    const known = [...this.batches.values()].sort((a, b) => b.step - a.step || (whole(a.part) < whole(b.part) ? -1 : 1));
    const shown = known.slice(0, 300);
    return [
      el("h1", {}, count(known.filter((batch) => whole(batch.part).startsWith("train-")).length, "step")),
      curve(this.entries),
      el("div.rows", {}, shown.map((batch) => batchRow(batch, this.entry(batch)))),
      known.length > shown.length ? el("p.quiet", {}, `${known.length - shown.length} earlier ones are in the list of runs.`) : null,
    ];
  }
}

function turnCell(turn, place, parted) {
  const differs = parted && place + 1 === parted;
  return el(`section.cell${differs ? ".parted" : ""}`, {},
    el("p", {}, turn.way ? el(`b.way`, {}, turn.way) : null, ` turn ${place + 1}`, differs ? el("span.quiet", {}, " parted here") : null),
    turn.error ? el("p.bad.text", {}, whole(turn.error)) : el("p.text", {}, whole(turn.sub_goal)),
    turn.calls.map((call) => el("div", {},
      el("code.text", {}, `${whole(call.tool) || "no tool"} ${whole(call.arguments)}`),
      el("p.text.result", {}, call.status !== "ok" ? el("b.bad", {}, `${whole(call.status)} `) : null, whole(call.result)))),
    el("p.quiet", {}, turn.complete ? "enough" : "go on"));
}

function column(run, parted) {
  return el("article.column", { tabindex: "-1", "data-stop": "" },
    el("h2", {}, el("a", { href: link("run", { name: run.name }) }, `run ${run.number}`), " ", mark(run.status, run.reward)),
    el("p", {}, typeof run.reward === "number" ? `reward ${round(run.reward)}` : "no reward",
      typeof run.advantage === "number" ? ` · advantage ${run.advantage > 0 ? "+" : ""}${round(run.advantage)}` : "",
      ` · ${count(run.tokens, "token")} · ${seconds(run.seconds)}`),
    run.error ? el("p.bad.text", {}, whole(run.error)) : null,
    run.turns.map((turn, place) => turnCell(turn, place, parted)),
    el("p.answer-box.text", {}, el("b", {}, "→ "), whole(run.answer)));
}

export async function group(query) {
  const found = await ask("group", query);
  const wanted = golds(found.golds);
  const said = found.parted
    ? `The runs parted in turn ${found.parted}; turns with the same letter did the same up to there.`
    : found.runs.length > 1 ? "All runs did the same." : "";
  return [
    el("h1.text", {}, whole(found.question) || found.item),
    el("p.tools", {}, el("a", { href: link("groups", { part: found.part }) }, called(found.part) || "questions"), found.level ? el("span", {}, whole(found.level)) : null),
    wanted.length ? el("p.text", {}, `wanted: ${wanted.join(" | ")}`) : null,
    el("p.quiet", {}, said),
    el("div.columns", {}, found.runs.map((run) => column(run, found.parted))),
  ];
}

// One run: what was asked and answered, turn by turn.

import { ask } from "./data.js";
import { called, count, el, golds, link, mark, money, round, seconds, whole } from "./dom.js";
import { belongTo, key, longText, tokensOf } from "./texts.js";

function folded(title, ...content) {
  return el("details", {}, el("summary", {}, title), content);
}

function facts(pairs) {
  return el("dl.facts", {}, pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd.text", {}, value))));
}

function spent(call) {
  const told = [];
  if (call.input_tokens || call.output_tokens) told.push(`${call.input_tokens ?? 0} → ${count(call.output_tokens, "token")}`);
  if (call.finish && call.finish !== "stop") told.push(`ended by ${whole(call.finish)}`);
  if (typeof call.policy_version === "number") told.push(`weights of update ${call.policy_version}`);
  if (typeof call.seconds === "number") told.push(seconds(call.seconds));
  return el("span.spent", {}, ` ${told.join(" · ")}`);
}

function toolCall(call) {
  const bad = call.status && call.status !== "ok";
  return el("section.call.tool", {},
    el("h3", {}, el("span.text", {}, whole(call.tool || call.node)), " ",
      call.open ? el("span.mark.unfinished", {}, "no answer yet") : el(`span.mark.${bad ? "failed" : "ok"}`, {}, whole(call.status)),
      spent(call)),
    longText(call.arguments), failure(call),
    call.open ? null : el("div.result", {}, longText(call.result)),
    call.data ? folded("what else the tool told", longText(call.data)) : null);
}

function failure(call) {
  return call.failed ? el("p.bad.text", {}, `${whole(call.failed.kind)}: `, longText(call.failed.text, "span")) : null;
}

// A training gives its planner as an object, of which the record knows the class.
function askedOf(model) {
  return whole(model) === "PolicyModel" ? "the planner in training" : whole(model);
}

function modelCall(call, advantage) {
  const prompt = (call.messages || []).map((message) =>
    el("div.message", {}, el("b", {}, whole(message.role)), longText(message.content)));
  const reply = call.tokens && call.tokens.tokens.length ? tokensOf(call.tokens, advantage)
    : call.reply === undefined ? null : longText(call.reply);
  return el(`section.call.model`, {},
    el("h3", {}, el("span.text", {}, whole(call.node)), call.number ? ` (call ${call.number + 1})` : "", " ",
      call.open ? el("span.mark.unfinished", {}, "no answer yet") : null, spent(call)),
    prompt.length ? folded(`prompt · ${askedOf(call.model)}`, prompt, folded("sampling", longText(call.sampling))) : null,
    call.reasoning ? folded("reasoning", longText(call.reasoning)) : null,
    failure(call), reply);
}

function oneCall(call, advantage) {
  return call.kind === "tool" ? toolCall(call) : modelCall(call, advantage);
}

function decision(told) {
  return el("section.call.person", {}, el("h3", {}, "a person decided"), longText(told.said),
    folded("what was shown", longText(told.shown)));
}

function endsInStop(reason) {
  return (reason && reason.next) || /(^|[.!?…:;])\s*$/.test(whole(reason));
}

function verdictOf(verdict) {
  if (!verdict) return null;
  return el("p.verdict", {}, el("b", {}, verdict.complete ? "Enough. " : "Go on. "), longText(verdict.reason, "span"),
    endsInStop(verdict.reason) ? "" : ".", verdict.stopped_by ? ` Stopped by ${verdict.stopped_by}.` : "",
    typeof verdict.seconds === "number" ? el("span.spent", {}, ` at ${seconds(verdict.seconds)}`) : null);
}

function turnOf(turn, view) {
  const box = el("article.turn", { tabindex: "-1", "data-stop": "" });
  if (turn.later !== undefined) {
    const button = el("button.more", { type: "button" }, `show turn ${turn.index}`);
    button.addEventListener("click", async () => {
      const found = await ask("turn", { name: view.name, place: turn.later });
      box.replaceWith(turnOf(found, view));
    });
    box.append(el("h2", {}, `Turn ${turn.index}`), button);
    return box;
  }
  const { plan } = turn;
  box.append(
    el("h2", {}, `Turn ${turn.index}`, plan.tool ? el("span.quiet.text", {}, ` ${whole(plan.tool)}`) : ""),
    facts([["sub-goal", plan.sub_goal && longText(plan.sub_goal, "span")], ["context", plan.context && longText(plan.context, "span")],
      ["justification", plan.justification && longText(plan.justification, "span")]]),
    plan.error ? el("p.bad", {}, "No usable plan: ", longText(plan.error, "span")) : "",
    ...turn.calls.filter((call) => call.kind !== "tool" && call.node === "planner").map((call) => oneCall(call, view.advantage)),
    turn.proposal ? folded("proposed to a person", longText(turn.proposal)) : "",
    ...turn.decisions.map(decision),
    ...turn.calls.filter((call) => call.kind === "tool" || call.node !== "planner").map((call) => oneCall(call)),
    ...turn.uncalled.map(toolCall),
    turn.more_calls ? el("p.quiet", {}, `${count(turn.more_calls, "call")} more of this turn are not shown.`) : "",
    verdictOf(turn.verdict) || "");
  return box;
}

function usage(view) {
  if (!view.usage.length) return null;
  const cell = (value) => el("td", {}, value);
  const paid = view.usage.some((one) => typeof one.cost === "number");
  const names = ["module", "calls", "tokens in", "tokens out", "time", ...(paid ? ["money"] : [])];
  const rows = view.usage.map((one) => el("tr", {}, el("th.text", { scope: "row" }, whole(one.module)), cell(round(one.calls, 0)),
    cell(round(one.input_tokens, 0)), cell(round(one.output_tokens, 0)), cell(seconds(one.seconds)), paid ? cell(money(one.cost)) : null));
  return el("div.wide", {}, el("table", {}, el("thead", {}, el("tr", {},
    names.map((name) => el("th", { scope: "col" }, name)))),
  el("tbody", {}, rows)));
}

function head(view) {
  const wanted = golds(view.golds);
  return el("section.head", {},
    el("h1.text", {}, longText(view.question, "span")),
    el("p", {}, mark(view.status, view.reward), " ",
      typeof view.reward === "number" ? el("span", {}, `reward ${round(view.reward)} `) : null,
      typeof view.advantage === "number" ? el("span", {}, `advantage ${round(view.advantage)} `) : null,
      view.part && view.item ? el("a", { href: link("group", { part: view.part, item: view.item }) }, "all runs of this question") : null),
    el("div.answer-box", {}, el("b", {}, view.ended ? "Answer " : "No answer yet. "), longText(view.answer, "span"),
      wanted.length ? el("p.quiet.text", {}, `wanted: ${wanted.join(" | ")}`) : null),
    view.error ? el("p.bad", {}, longText(view.error, "span"), view.fault ? ` (${view.fault})` : "") : null,
    facts([["stopped by", view.stopped_by], ["time", seconds(view.seconds)], ["money", money(view.cost)], ["level", view.level],
      ["part", called(view.part)], ["name", view.name]]),
    view.damaged ? el("p.bad", {}, `${count(view.damaged, "line")} of this run are damaged and left out.`) : null,
    view.left ? el("p.bad", {}, `${count(view.left, "line")} more of this run are not shown.`) : null);
}

export function runPage(view) {
  belongTo(view.name);
  const others = Object.entries(view.outputs).filter(([name]) => name !== "direct");
  const shaded = view.turns.some((turn) => (turn.calls || []).some((call) => call.tokens));
  return [
    head(view),
    usage(view),
    el("div.folds", {},
      folded("settings", longText(view.settings)),
      view.resources ? folded("models and tools", longText(view.resources)) : null,
      folded("versions", longText(view.versions))),
    view.conversation ? folded("said before", longText(view.conversation)) : null,
    view.images ? el("p.quiet", {}, `The question has ${count(view.images, "image")}.`) : null,
    shaded ? key(view.advantage) : null,
    view.before.map((call) => oneCall(call)),
    view.analysis ? folded("analysis", longText(view.analysis)) : null,
    view.turns.map((turn) => turnOf(turn, view)),
    view.after.length ? el("article.turn", { tabindex: "-1", "data-stop": "" }, el("h2", {}, "After the turns"),
      view.after.map((call) => oneCall(call))) : null,
    others.map(([name, text]) => folded(`output “${name}”`, longText(text))),
    view.notes.map((note) => folded(whole(note.kind), longText(note.text))),
  ];
}

export async function run(query) {
  return runPage(await ask("run", { name: query.name }));
}

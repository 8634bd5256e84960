// The page: which view is shown, what is new, and the keys.

import { ask, takeToken } from "./data.js";
import { count, el, link } from "./dom.js";
import { group, groups, Steps } from "./groups.js";
import { list } from "./list.js";
import { runPage } from "./run.js";

const POLL = 2000;
const main = document.getElementById("main");
let about = null;
let revision = -1;
let asked = 0;
let steps = new Steps();
let shownRun = null;

function place() {
  const [view, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { view: view || home(), query: Object.fromEntries(new URLSearchParams(query || "")) };
}

function home() {
  return { training: "steps", benchmark: "groups" }[about?.kind] || "runs";
}

function up({ view, query }) {
  if (view === "run") return history.length > 1 ? null : link(home());
  if (view === "group") return link("groups", { part: query.part });
  return link(home());
}

function navigation(view) {
  const views = [["steps", "Steps", about.kind === "training"], ["groups", "Questions", about.kind !== "record"], ["runs", "Runs", true]];
  document.getElementById("name").textContent = about.name;
  document.getElementById("nav").replaceChildren(...views.filter(([, , there]) => there).map(([name, text]) =>
    el("a", { href: link(name), "aria-current": name === view ? "page" : null }, text)));
}

async function content({ view, query }) {
  shownRun = null;
  if (view === "run") {
    shownRun = await ask("run", { name: query.name });
    return runPage(shownRun);
  }
  if (view === "group") return group(query);
  if (view === "groups") return groups(about, query);
  if (view === "steps") {
    await steps.learn();
    return steps.draw();
  }
  return list(about, query);
}

// Show what the address says. `again`: the same place, because something is new there.
async function show(again = false) {
  const mine = ++asked;
  let made;
  let now = place();
  try {
    if (!about || again) about = await ask("about");
    now = place();
    made = await content(now);
    navigation(now.view);
  } catch (error) {
    made = [el("p.bad", { role: "alert" }, error.message)];
  }
  if (mine !== asked) return;
  const kept = again ? keep() : null;
  main.replaceChildren(...made.flat(Infinity).filter((child) => child));
  document.title = `${main.querySelector("h1")?.textContent.slice(0, 80) || "Runs"} – ${about?.name || ""}`;
  if (kept) restore(kept);
  else window.scrollTo(0, 0);
  document.body.dataset.ready = now.view;
}

// What a reader has open and where they are, by place on the page.
function keep() {
  const open = [...main.querySelectorAll("details")].map((each) => each.open);
  const stop = stops().indexOf(document.activeElement);
  return { open, stop, top: window.scrollY };
}

function restore({ open, stop, top }) {
  main.querySelectorAll("details").forEach((each, at) => { each.open = open[at] || false; });
  if (stop >= 0) stops()[stop]?.focus({ preventScroll: true });
  window.scrollTo(0, top);
}

async function poll() {
  try {
    const news = await ask("news");
    tell(news);
    const fresh = news.revision !== revision && revision >= 0;
    revision = news.revision;
    if (fresh && !busy()) await follow();
  } catch (error) {
    tell({ fault: error.message, size: 0, done: 0 });
  }
  setTimeout(poll, POLL);
}

// Nothing moves under the hands of somebody who types or has marked text.
function busy() {
  const focus = document.activeElement;
  return document.hidden || ["INPUT", "SELECT"].includes(focus?.tagName) || String(getSelection() || "") !== "";
}

async function follow() {
  const { view, query } = place();
  if (view === "run") {
    if (!shownRun || shownRun.ended) return;
    const found = await ask("run", { name: query.name, lines: shownRun.lines });
    if (found.same) return;
  }
  await show(true);
}

function tell(news) {
  const told = [];
  if (news.fault) told.push(news.fault);
  else if (!news.whole) told.push(`indexing: ${Math.floor((100 * news.done) / Math.max(1, news.size))} %, ${count(news.runs, "run")} so far`);
  if (news.damaged) told.push(`${count(news.damaged, "damaged line")} left out`);
  if (news.unknown) told.push(`${count(news.unknown, "line")} of unknown kinds passed over`);
  told.push(...(news.refused || []));
  document.getElementById("status").textContent = told.join(" · ");
}

function stops() {
  return [...main.querySelectorAll("a.row, .row.group > a.what, [data-stop]")];
}

function move(by) {
  const all = stops();
  if (!all.length) return;
  const now = all.indexOf(document.activeElement.closest?.("a.row, a.what, [data-stop]"));
  const next = all[now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by))];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: next.matches("a") ? "nearest" : "start" });
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  Enter: () => document.activeElement.querySelector?.("h2 a")?.click(),
  Escape: () => {
    const to = up(place());
    if (to) location.hash = to;
    else history.back();
  },
  "/": () => {
    const field = document.getElementById("search");
    if (field) field.focus();
    else location.hash = link("runs", { focus: 1 });
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || !Object.hasOwn(KEYS, event.key)) return;
  if (event.key === "Enter" && event.target.matches("a, button, summary")) return;
  event.preventDefault();
  KEYS[event.key]();
});

window.addEventListener("hashchange", async () => {
  if (new URLSearchParams(location.hash.slice(1)).get("token")) takeToken();
  await show();
  if (place().query.focus) document.getElementById("search")?.focus();
});

takeToken();
show();
poll();

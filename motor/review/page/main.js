// The review: one item a screen, one key a decision. Items are fetched ahead; decisions leave through the outbox.

import { Outbox } from "./outbox.js";
import { choose, initial, known, language, say } from "./words.js";
import { Screen } from "./screen.js";
import { Sound } from "./sound.js";
import { COLUMNS, Sure } from "./sure.js";

const AHEAD = 4, RECENT_MS = 300000, SURE = "sure", A_PAGE = 24, MOST = 500;
const $ = (id) => document.getElementById(id);
const state = { items: [], place: 0, queue: null, review: null, decided: [], last: null, done: new Map(), isEnd: false };
const screens = new Map();
const sound = new Sound();
const screen = new Screen($);
const outbox = new Outbox({
  sent: () => soon(),
  conflict: (body, answer) => conflict(body, answer),
  refused: (body, why) => message(say("refused", { n: 1, why })),
  signIn: () => signIn(),
  changed: (n, isOffline) => { $("outbox").textContent = n ? say(isOffline ? "offline" : "waiting", { n }) : ""; },
});

// What could not be fetched without a network, or before somebody signed in again, is once that is over.
async function drawn() {
  const isDrawn = current() ? document.body.dataset.drawn === current().item : sure.isShown || state.isEnd;
  if (state.review && !isDrawn) await go(0);
}

// Counts are asked for once a second at most, however fast decisions are sent.
function soon() {
  soon.timer ??= setTimeout(() => {
    soon.timer = null;
    refresh().then(drawn).catch(told);
  }, 1000);
}

const sure = new Sure($, (kept, left, label) => { acting = acting.then(() => accepted(kept, left, label)).catch(told); });

function told(error) { if (error.message !== "sign in") message(error.message); }

async function got(path) {
  const response = await fetch(path);
  if (response.status === 401) { signIn(); throw new Error("sign in"); }
  if (!response.ok) throw new Error((await response.json()).error);
  return response.json();
}

const of = (path, values) => `${path}?${new URLSearchParams(values)}`;
const current = () => state.items[state.place];

function fetched(item) {
  if (!screens.has(item)) {
    const coming = got(of("/api/screen", { item }));
    coming.catch(() => screens.delete(item));
    screens.set(item, coming);
    if (screens.size > 40) screens.delete(screens.keys().next().value);
  }
  return screens.get(item);
}

async function fill() {
  if (state.isEnd || state.queue === SURE || state.items.length - state.place > AHEAD) { lookAhead(); return; }
  // What was passed over, and what is not sent yet, is given again.
  const unsent = await outbox.count(), again = state.items.filter((one) => !state.done.has(one.item)).length + unsent;
  const queue = state.queue, count = Math.min(MOST, AHEAD + 2 + again), found = await got(of("/api/next", { queue, count }));
  if (queue !== state.queue) return;
  const unknown = found.filter((one) => !state.done.has(one.item) && !state.items.some((had) => had.item === one.item));
  state.isEnd = unknown.length === 0 && (found.length < count || unsent === 0);
  state.items.push(...unknown);
  lookAhead();
}

function lookAhead() {
  const ahead = state.items.slice(state.place, state.place + AHEAD).map((one) => fetched(one.item));
  Promise.allSettled(ahead).then(() => { document.body.dataset.ahead = String(ahead.length); });
}

async function show() {
  sound.stop();
  const mine = current();
  if (!mine) { if (state.queue === SURE) await sureOnes(); else ended(); return; }
  sure.hide();
  screen.facts(mine, state.review.classes, state.done.get(mine.item));
  const began = performance.now();
  try {
    const told = await fetched(mine.item);
    if (mine !== current()) return;
    screen.plots(mine, told);
    screen.sideInformation(mine, () => got(of("/api/motor", { item: mine.item })), fetched, () => mine === current());
    document.body.dataset.drawn = mine.item;
    document.body.dataset.drawnMs = String(performance.now() - began);
    state.since = performance.now();
  } catch (error) { told(error); }
}

function ended() { screen.end(say(state.isEnd ? "end" : "more_later")); }

async function go(by) {
  state.place = Math.min(state.items.length, Math.max(0, state.place + by));
  const before = current();
  await show();
  await fill().catch(told);
  if (current() !== before) await show(); else if (!before && state.queue !== SURE) ended();
}

async function sureOnes() {
  const found = await got(of("/api/next", { queue: SURE, count: A_PAGE }));
  const there = found.filter((one) => !state.done.has(one.item));
  if (sure.isShown || current()) return;
  state.isEnd = found.length === 0;
  state.since = performance.now();
  if (there.length) sure.show(there, (item) => got(of("/api/screen", { item, columns: COLUMNS })));
  else { sure.hide(); ended(); } // the others are on their way: what comes next is shown once they are there
}

async function accepted(kept, left, label) {
  for (const mine of kept) {
    state.done.set(mine.item, label);
    state.decided.push({ mine, at: Date.now() });
    await put(mine, "label", label, { ...seenOf(mine), at_once: kept.length });
  }
  pace();
  Object.assign(state, { items: left, place: 0 });
  await show();
}

function seenOf(mine) {
  const seconds = Math.round((performance.now() - (state.since ?? performance.now())) / 10) / 100;
  return { queue: mine.queue, blind: mine.is_blind, suggestion: mine.suggestion?.probabilities ?? null, seconds };
}

async function put(mine, action, label = null, seen = seenOf(mine)) {
  const { item } = mine, revision = mine.answer.revision;
  mine.answer = { ...mine.answer, revision: revision + 1, action, label };
  const body = { request_id: crypto.randomUUID(), item, revision, action, label, seen };
  await outbox.add(mine.adjudicates ? { ...body, adjudicates: true } : body);
}

async function decide(action, label = null) {
  const mine = current();
  if (!mine) return;
  state.done.set(mine.item, label ?? action);
  state.last = { mine, action, label };
  state.decided.push({ mine, at: Date.now() });
  pace();
  await put(mine, action, label);
  await go(1);
}

async function undo() {
  const newest = state.decided.pop();
  if (!newest) { message(say("nothing_to_undo")); return; }
  await put(newest.mine, "undo");
  state.done.delete(newest.mine.item);
  const place = state.items.indexOf(newest.mine);
  if (place >= 0) state.place = place; else { state.items.splice(state.place, 0, newest.mine); }
  sure.hide();
  await show();
}

async function sameForMotor() {
  const { mine, action, label } = state.last ?? {};
  if (!mine || mine.side === "test") return;
  const { motor, recordings } = await got(of("/api/motor", { item: mine.item }));
  const others = recordings.filter((one) => one.name !== mine.item && !one.action && !state.done.has(one.name));
  for (const one of others) {
    const other = { ...mine, item: one.name, answer: { revision: one.revision } };
    state.done.set(one.name, label ?? action);
    state.decided.push({ mine: other, at: Date.now() });
    await put(other, action, label, { ...seenOf(mine), same_as: mine.item });
  }
  message(say("same_done", { n: others.length, motor }));
  state.items = state.items.filter((one, n) => n < state.place || !state.done.has(one.item));
  await show();
  await fill();
}

function conflict(body, answer) {
  const label = answer.label ?? (answer.action ? say(answer.action) : say("none"));
  message(say("conflict", { who: answer.reviewer ?? "?", item: body.item, label }));
  const mine = state.decided.find((one) => one.mine.item === body.item)?.mine ?? state.items.find((one) => one.item === body.item);
  if (!mine) return;
  state.done.delete(body.item);
  state.decided = state.decided.filter((one) => one.mine !== mine);
  mine.answer = answer;
  if (current() !== mine) {
    state.items = state.items.filter((one, n) => one !== mine || n < state.place);
    state.items.splice(state.place, 0, mine);
  }
  show();
}

function message(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
  clearTimeout(message.timer);
  message.timer = setTimeout(() => { $("message").hidden = true; }, 8000);
}

function pace() {
  const recent = state.decided.filter((one) => Date.now() - one.at < RECENT_MS);
  const minutes = recent.length > 1 ? (Date.now() - recent[0].at) / 60000 : 0;
  $("pace").textContent = minutes > 0.05 ? say("pace", { n: Math.round(recent.length / minutes) }) : "";
}

async function refresh() {
  state.review = await got("/api/review");
  const { name, who, queues } = state.review;
  $("name").textContent = name;
  document.title = name;
  $("who").textContent = who.name;
  const there = Object.keys(queues).filter((queue) => queues[queue].open > 0 || queue === state.queue || queues[queue].asked);
  state.queue ??= there[0] ?? "labels";
  $("queue").replaceChildren(...[...new Set([state.queue, ...there])].map((queue) => {
    const label = `${say(`queue_${queue}`)} (${queues[queue]?.open ?? 0})`;
    return new Option(label, queue, queue === state.queue, queue === state.queue);
  }));
  const mine = queues[state.queue] ?? { asked: 0, open: 0 };
  $("progress").textContent = mine.asked ? say("progress", { done: mine.asked - mine.open, asked: mine.asked }) : "";
}

function signIn() { if (!$("sign-in").open) $("sign-in").showModal(); }

async function signedIn() {
  const response = await fetch("/api/session", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token: $("token").value }),
  });
  $("token").value = "";
  $("sign-in-fault").textContent = response.ok ? "" : (await response.json()).error;
  if (!response.ok) return;
  $("sign-in").close();
  outbox.send();
  if (!current()) await begin(); else await drawn();
}

function help() {
  const { guidelines, classes } = state.review;
  const keys = [...classes.map((name, n) => `${n + 1}  ${name}`), `0  ${say("unsure")}`, `x  ${say("bad")}`,
    `z  ${say("undo")}`, `b  ${say("same")}`, `n / p  ${say("next")} / ${say("previous")}`, `space  ${say("play")}`,
    `< >  ${say("slower")} / ${say("faster")}`, `g  ${say("view_spectrogram")}`, `h  ${say("harmonics")}`,
    `s  ${say("sidebands")}`];
  $("dialog-body").textContent = `${guidelines ? `${say("guidelines")}\n${guidelines}\n\n` : ""}${say("keys")}\n${keys.join("\n")}`;
  $("dialog").showModal();
}

function theme(wanted) {
  document.documentElement.dataset.theme = wanted;
  localStorage.setItem("theme", wanted);
  screen.redraw();
  sure.redraw();
}

async function speak(wanted) {
  localStorage.setItem("language", wanted);
  await choose(wanted);
  $("language").textContent = language === "zh" ? "English" : "中文";
  if (!state.review) return;
  await refresh();
  const mine = current();
  if (sure.isShown) sure.tell();
  else if (mine) { screen.facts(mine, state.review.classes, state.done.get(mine.item)); show(); } else ended();
}

const KEYS = {
  0: () => decide("unsure"), x: () => decide("bad"), z: undo, b: sameForMotor, n: () => go(1), p: () => go(-1),
  " ": () => current() && sound.toggle(current().item), "<": () => message(`${sound.change(-1)}×`),
  ">": () => message(`${sound.change(1)}×`), "?": help, h: () => screen.mark("harmonics"), s: () => screen.mark("sidebands"),
  g: async () => current() && screen.spectrogram(await got(of("/api/spectrogram", { item: current().item }))),
};
let acting = Promise.resolve(); // keys are done one after the other, however fast they come

function keyed(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT"].includes(target.tagName)) return;
  if ($("dialog").open || $("sign-in").open || !state.review) return;
  if (key === " " && target.tagName === "BUTTON") return;
  if (sure.isShown) {
    if (key === "Enter" && target.id === "sure-accept") return;
    if (key !== "?" && key !== "z") { if (sure.keyed(key)) event.preventDefault(); return; }
  }
  const label = /^[1-9]$/.test(key) ? state.review.classes[key - 1] : undefined;
  const act = label ? () => decide("label", label) : KEYS[key];
  if (!act) return;
  event.preventDefault();
  acting = acting.then(act).catch(told);
}

async function zoom(from, to) {
  const mine = current(), told = mine && await fetched(mine.item);
  if (!told) return;
  const rate = told.sampling_rate_hz, start = from === null ? 0 : Math.round(from * rate);
  const stop = to === null ? told.n_samples : Math.round(to * rate);
  screen.waveform(await got(of("/api/waveform", { item: mine.item, start, stop })), rate);
}

async function begin() {
  await refresh();
  await outbox.open(`${location.host}-${state.review.name}-${state.review.who.name}`);
  for (const body of await outbox.waiting()) state.done.set(body.item, body.label ?? body.action);
  await fill();
  await show();
}

async function start() {
  document.documentElement.dataset.theme =
    localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  await choose(initial());
  $("language").textContent = language === "zh" ? "English" : "中文";
  screen.listen({ decide, undo, sameForMotor, go, zoom, play: KEYS[" "], known });
  addEventListener("keydown", keyed);
  addEventListener("online", () => drawn().catch(told));
  $("help").onclick = help;
  $("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  $("language").onclick = () => speak(language === "zh" ? "en" : "zh");
  $("sign-in-form").onsubmit = (event) => { event.preventDefault(); signedIn(); };
  $("queue").onchange = async () => {
    Object.assign(state, { queue: $("queue").value, items: [], place: 0, isEnd: false });
    $("queue").blur(); // so that keys decide again
    sure.hide();
    await refresh();
    await fill();
    await show();
  };
  await begin();
}

start().catch(told);

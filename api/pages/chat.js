// The chat page: signs a customer in, holds one conversation, and outlives lost connections.
// What the server says is the truth; the page adds only what the server has not confirmed yet.

import { makeFeedback } from "./feedback.js";
import { Lost, Refused, access, backoff, call, callJson, makeLink, pause, serverEvents, wake } from "./wire.js";
import { make, makeButton, markup, personIn, showEntries } from "./view.js";

const NEWS_POLL = 3_000; // ms
const RARELY = 4; // looks of which one is made where nothing is expected
const BLOB_KEPT = 60_000; // ms, for browsers that save late
const NEAR_END = 80; // px
const ORDER_FORM = `Order form
10" Regular Box (100/bundle): 600
12" Medium Box (100/bundle): 200
14" XL Box (50/bundle): 400`;
const SUGGESTIONS = [
  ["What do I owe?", "Open and overdue invoices", () => send("What do I owe?")],
  ["Place an order", "Start from an order form", () => write(ORDER_FORM)],
  ["Cancel an order", "What it costs the day before", () => send("Is there a fee if I cancel an order the day before delivery?")],
  ["Report damage", "My boxes arrived crushed", () => send("My boxes arrived crushed.")],
];

const $ = (id) => document.getElementById(id);
const PLACEHOLDER = $("message").placeholder;
const isEmbedded = new URLSearchParams(location.search).has("embed");
const feedback = makeFeedback(() => state.thread);
const acts = { decide, cite, retry, download, rate: feedback.rate };
const state = { talk: {}, customer: null, thread: null, run: null, link: null, entries: [], busy: false, failure: null, pinned: true, drawing: false, looks: 0 };

// ---------------------------------------------------------------- what the browser keeps

// Storage may be blocked, for one in a frame on another site: the chat then works without it.
function keep(storage, key, value) {
  try {
    if (value) window[storage].setItem(key, JSON.stringify(value));
    else window[storage].removeItem(key);
  } catch { /* blocked or full */ }
}

function kept(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key));
  } catch {
    return null;
  }
}

const draftKey = () => `tria.draft.${state.customer.customer_id}`;
const outboxKey = () => `tria.outbox.${state.customer.customer_id}`;

function keepSession() {
  const { customer, thread, run } = state;
  keep("sessionStorage", "tria.session", customer && { token: access.token, customer, thread, run: run?.id });
}

function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// ---------------------------------------------------------------- one turn

// Repeats `work` until it succeeds or the conversation is left; only a lost connection is repeated.
async function insist(work) {
  const { talk } = state;
  for (let attempt = 0; state.talk === talk; attempt += 1) {
    try {
      const result = await work();
      if (state.talk === talk) showBanner("");
      return result;
    } catch (error) {
      if (state.talk !== talk) break;
      if (!(error instanceof Lost)) throw error;
      showLost(error);
      await pause(Math.max(error.wait, backoff(attempt)));
    }
  }
  return undefined;
}

function send(content, extra = {}) {
  if (state.busy || !content.trim()) return;
  const entry = { id: makeId(), type: "human", content, extra, phase: "sending", at: new Date() };
  state.entries.push(entry);
  state.pinned = true;
  runTurn(entry);
}

async function runTurn(entry) {
  const { talk } = state;
  if (entry.phase === "sending") keep("localStorage", outboxKey(), { thread: state.thread, id: entry.id, content: entry.content, extra: entry.extra });
  setBusy(true);
  try {
    while (state.talk === talk && !(await insist(() => advance(entry)))) await pause(backoff(0));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    state.failure = error.message || (error.status === 422 ? "This message is too long to send." : "This message could not be sent.");
  } finally {
    if (state.talk === talk) endTurn(entry);
  }
}

function endTurn(entry) {
  if (state.failure) Object.assign(entry, { phase: "failed", note: state.failure });
  state.entries = state.entries.filter(({ phase }) => phase !== "partial");
  Object.assign(state, { run: null, failure: null });
  keepSession();
  setBusy(false);
}

function retry(entry) {
  if (state.busy) return;
  state.entries = state.entries.filter((each) => each !== entry);
  if (entry.isAccepted) return send(entry.content, entry.extra);
  state.entries.push(Object.assign(entry, { phase: "sending" }));
  runTurn(entry);
}

function decide({ action_id, hash }, decision, text) {
  send(text, { action: { action_id, hash, decision } });
  focusComposer();
}

// One attempt to bring the turn to its end. True when it has ended.
async function advance(entry) {
  if (state.run) await rejoin(entry);
  else if (entry.phase === "sending" && !(entry.isTried && (await isReceived(entry)))) await post(entry);
  else await findRun();
  return isOver(entry);
}

async function post(entry) {
  state.thread ??= (await callJson("threads", { body: { metadata: {} } })).thread_id;
  keepSession();
  entry.isTried = true;
  const message = { id: entry.id, role: "user", content: entry.content, additional_kwargs: entry.extra };
  const modes = { stream_mode: ["values", "messages-tuple", "custom"], stream_resumable: true, on_disconnect: "continue" };
  const body = { assistant_id: "tria", input: { messages: [message] }, ...modes };
  const link = state.link = makeLink();
  const response = await call(`threads/${state.thread}/runs/stream`, { body, link }).catch((error) => leaveThread(error, entry));
  accept(entry, response.headers.get("Content-Location")?.split("/").pop());
  await follow(response, link);
}

// A conversation the server no longer has goes on in a fresh one, once.
function leaveThread(error, entry) {
  if (error.status !== 404 || entry.isMoved) throw error;
  Object.assign(entry, { isMoved: true, isTried: false });
  Object.assign(state, { thread: null, entries: [entry] });
  throw new Lost();
}

function accept(entry, runId) {
  Object.assign(entry, { phase: "done", isAccepted: true });
  keep("localStorage", outboxKey(), null);
  state.run = runId ? { id: runId, last: "-1" } : null;
  keepSession();
  render();
}

async function isReceived(entry) {
  await catchUp();
  if (entry.phase === "done") accept(entry);
  return entry.phase === "done";
}

async function findRun() {
  const [latest] = await callJson(`threads/${state.thread}/runs?limit=1`);
  if (latest) state.run = { id: latest.run_id, last: "-1" };
  else state.failure = "The answer was lost.";
}

// Goes on reading after the last event seen. A run the server has forgotten leaves what the state holds.
async function rejoin(entry) {
  const { run } = state;
  const link = state.link = makeLink();
  if (run.last === "-1") dropPartial();
  try {
    const headers = { "Last-Event-ID": run.last };
    await follow(await call(`threads/${state.thread}/runs/${run.id}/stream`, { headers, link }), link);
  } catch (error) {
    if (error.status !== 404) throw error;
    await catchUp();
    if (!isAnswered(entry)) state.failure = "The answer was lost.";
  }
}

async function follow(response, link) {
  for await (const { event, data, id } of serverEvents(response, link)) {
    if (state.link !== link) return;
    showBanner("");
    if (id && state.run) state.run.last = id;
    if (data) take[event]?.(data);
  }
}

async function isOver(entry) {
  if (state.failure || isAnswered(entry)) return true;
  if (!state.run) return false;
  const { status } = await callJson(`threads/${state.thread}/runs/${state.run.id}`);
  if (status === "pending" || status === "running") return false;
  await catchUp();
  if (status === "error" || status === "timeout") state.failure = "Something went wrong on our side.";
  return true;
}

function isAnswered(entry) {
  const later = state.entries.slice(state.entries.indexOf(entry) + 1);
  return later.some(({ type, phase }) => type === "ai" && phase === "done");
}

async function catchUp() {
  const { talk } = state;
  const { values } = await callJson(`threads/${state.thread}/state`);
  if (state.talk === talk) absorb(values?.messages ?? []);
}

// ---------------------------------------------------------------- what arrives

const take = {
  metadata({ run_id: id }) { state.run ??= { id, last: "-1" }; },
  messages([chunk]) { if (chunk.type === "AIMessageChunk") takeChunk(chunk); },
  values({ messages }) { absorb(messages ?? []); },
  error({ message }) { state.failure = message || "Something went wrong on our side."; },
  custom(event) {
    if (event.type === "status") showStatus(event.text);
    if (event.type === "reset") dropPartial();
    if (["card", "citations", "handoff"].includes(event.type) && event[event.type]) partial().extra[event.type] = event[event.type];
    render();
  },
};

function takeChunk({ id, content }) {
  if (state.entries.some((entry) => entry.id === id && entry.phase === "done")) return;
  const entry = partial();
  Object.assign(entry, { id, content: entry.content + plainText(content) });
  if (entry.content) showStatus("");
  render();
}

function partial() {
  const known = state.entries.find(({ phase }) => phase === "partial");
  if (known) return known;
  const entry = { id: makeId(), type: "ai", content: "", extra: {}, phase: "partial", at: new Date() };
  state.entries.push(entry);
  return entry;
}

function dropPartial() {
  state.entries = state.entries.filter(({ phase }) => phase !== "partial");
  showStatus("Working on it");
}

// The server sends a window of the conversation: what is known is brought up to date, nothing is removed.
function absorb(messages) {
  for (const message of messages.filter(({ type }) => type === "human" || type === "ai")) {
    const content = plainText(message.content);
    const extra = message.additional_kwargs ?? {};
    const entry = state.entries.find(({ id }) => id === message.id) ?? adopted(message.type, content) ?? inserted();
    const at = extra.created_at ? new Date(extra.created_at) : entry.at;
    Object.assign(entry, { id: message.id, type: message.type, name: message.name, content, extra, at, phase: "done" });
  }
  render();
}

function adopted(type, content) {
  return state.entries.find((entry) => entry.type === type && (entry.phase === "partial" || (entry.phase === "sending" && entry.content === content)));
}

function inserted() {
  const entry = { at: state.busy ? new Date() : null };
  state.entries.splice(state.entries.findLastIndex(({ phase }) => phase === "done") + 1, 0, entry);
  return entry;
}

function plainText(content) {
  return typeof content === "string" ? content : (content ?? []).map(({ text }) => text ?? "").join("");
}

// ---------------------------------------------------------------- the page

function render() {
  if (state.drawing) return;
  state.drawing = true;
  requestAnimationFrame(() => {
    state.drawing = false;
    $("welcome").hidden = state.entries.length > 0;
    $("restart").hidden = !state.customer || !state.entries.length;
    showEntries($("log"), state.entries, state.busy, acts);
    showPerson(personIn(state.entries));
    feedback.show(state.entries, state.busy);
    if (state.pinned) $("scroller").scrollTop = $("scroller").scrollHeight;
    showLatest();
  });
}

// Whom the customer is writing with, where that is a person.
function showPerson(name) {
  const [line, box] = [$("with"), $("message")];
  line.hidden = !name;
  const text = name ? `You are writing with ${name}` : "";
  if (line.lastElementChild.textContent !== text) line.lastElementChild.textContent = text;
  box.placeholder = name ? `Message ${name}` : PLACEHOLDER;
}

function showLatest() {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  $("latest").hidden = scrollHeight - scrollTop - clientHeight < NEAR_END;
}

function setBusy(busy) {
  state.busy = busy;
  $("log").setAttribute("aria-busy", String(busy));
  showStatus(busy && !personIn(state.entries) ? "Working on it" : "");
  fitComposer();
  render();
}

function showStatus(text) {
  if ($("status").textContent !== text) $("status").textContent = text;
}

function showBanner(text) {
  const line = $("banner").firstElementChild;
  line.hidden = !text;
  if (line.firstElementChild.textContent !== text) line.firstElementChild.textContent = text;
  if (text && state.busy) showStatus("Waiting for the connection");
}

function showLost({ message }) {
  if (!navigator.onLine) showBanner("You are offline. Nothing is lost: the chat goes on when you are back.");
  else showBanner(`${message || "The connection is lost."} Trying again…`);
}

function write(text) {
  $("message").value = text;
  saveDraft();
  focusComposer();
}

// On a touch screen the focus would bring up the keyboard over the answer.
function focusComposer() {
  if (matchMedia("(pointer: fine)").matches) $("message").focus();
}

function saveDraft() {
  keep("localStorage", draftKey(), $("message").value);
  fitComposer();
}

function fitComposer() {
  const box = $("message");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
  $("send").disabled = state.busy || !box.value.trim();
}

function submit(event) {
  event.preventDefault();
  const text = $("message").value.trim();
  if (state.busy || !text) return;
  send(text);
  write("");
}

function cite({ title, section, text }) {
  const dialog = $("passage");
  dialog.querySelector("h2").textContent = section || title;
  dialog.querySelector(".document").textContent = section ? title : "";
  dialog.querySelector(".text").replaceChildren(...markup(text ?? ""));
  dialog.showModal();
}

// Fetched with the sign-in, which a plain link could not send along.
async function download(path, name, button) {
  const link = makeLink();
  button.disabled = true;
  try {
    const response = await call(path, { link });
    save(await response.blob(), name);
    showStatus("");
  } catch {
    showStatus("The document could not be fetched. Please try again.");
  } finally {
    link.rest();
    button.disabled = false;
  }
}

function save(blob, name) {
  const link = make("a");
  Object.assign(link, { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), BLOB_KEPT);
}

// ---------------------------------------------------------------- signing in, opening, leaving

function showView(name, who) {
  for (const view of ["sign-in", "chat"]) $(view).hidden = view !== name;
  $("sign-out").hidden = name !== "chat";
  $("who").textContent = who;
  render();
}

function leaveTalk() {
  state.link?.cut();
  feedback.forget();
  Object.assign(state, { talk: {}, thread: null, run: null, link: null, entries: [], failure: null, pinned: true });
  showBanner("");
  setBusy(false);
}

async function showSignIn(note) {
  leaveTalk();
  showView("sign-in", "Packaging for your kitchen");
  $("sign-in-note").textContent = note;
  $("sign-in-title").focus();
  const customers = await insist(() => callJson("demo/customers")).catch(noteRefusal);
  $("customers").replaceChildren(...(customers ?? []).map(customerItem));
}

function noteRefusal(error) {
  if (!(error instanceof Refused)) throw error;
  $("sign-in-note").textContent = "Please open the chat from your Tria account.";
}

function customerItem(customer) {
  const item = $("customer-template").content.firstElementChild.cloneNode(true);
  const initials = customer.name.split(/\s+/).slice(0, 2).map(([letter]) => letter).join("");
  const texts = { ".initials": initials, strong: customer.name, small: customer.company, ".chip": customer.segment === "vip" ? "VIP" : customer.segment };
  for (const [part, text] of Object.entries(texts)) item.querySelector(part).textContent = text;
  item.querySelector("button").addEventListener("click", () => signIn(customer));
  return item;
}

async function signIn({ customer_id }) {
  const answer = await insist(() => callJson("demo/sign-in", { body: { customer_id } })).catch(noteRefusal);
  if (!answer) return;
  const before = kept("sessionStorage", "tria.session");
  openChat({ ...answer, thread: before?.customer.customer_id === customer_id ? before.thread : null });
}

async function openChat({ token, customer, thread, run }) {
  access.token = token;
  Object.assign(state, { customer, thread, run: run ? { id: run, last: "-1" } : null });
  keepSession();
  showView("chat", `${customer.name}, ${customer.company}`);
  write(kept("localStorage", draftKey()) ?? "");
  const { talk } = state;
  if (thread) await insist(catchUp).catch(forgetThread);
  if (state.talk !== talk) return;
  if (state.thread) feedback.load();
  restoreUnsent();
  const latest = state.entries.at(-1);
  if (latest?.type === "human" && latest.phase === "done") runTurn(latest);
}

function forgetThread(error) {
  if (!(error instanceof Refused)) throw error;
  Object.assign(state, { thread: null, run: null });
}

// A message that was under way when the page was left: shown with Retry, or put back into the box.
function restoreUnsent() {
  const unsent = kept("localStorage", outboxKey());
  if (!unsent || state.entries.some(({ id }) => id === unsent.id)) return keep("localStorage", outboxKey(), null);
  const { thread, ...message } = unsent;
  if (!thread || thread === state.thread) state.entries.push({ ...message, type: "human", phase: "failed", isTried: Boolean(state.thread) });
  else if (!$("message").value) write(unsent.content);
  render();
}

function restart() {
  const unsent = state.entries.find(({ phase, isAccepted }) => phase === "sending" || (phase === "failed" && !isAccepted));
  leaveTalk();
  keep("localStorage", outboxKey(), null);
  keepSession();
  write($("message").value || unsent?.content || "");
}

function signOut() {
  for (const key of [draftKey(), outboxKey()]) keep("localStorage", key, null);
  Object.assign(state, { customer: null });
  access.token = null;
  keepSession();
  showSignIn("Choose a customer to try the assistant.");
}

// The conversation stays in the session, so that the same customer finds it again.
access.onExpired = () => {
  access.token = null;
  showSignIn("Your session has ended. Please sign in again: nothing is lost.");
};

// A person may join and write, decide about a card, or a card may be carried out later than it was confirmed.
function lookForNews() {
  const isExpected = state.entries.some(({ extra }) => extra.handoff || extra.card || extra.person);
  state.looks = (state.looks + 1) % RARELY;
  if (document.hidden || state.busy || !state.thread || !access.token || (state.looks && !isExpected)) return;
  catchUp().then(() => showBanner(""), (error) => { if (error instanceof Lost) showLost(error); });
}

function connectPage() {
  const scroller = $("scroller");
  $("suggestions").append(...SUGGESTIONS.map(([title, hint, onClick]) => makeButton("suggestion", make("strong", "", title), onClick)));
  SUGGESTIONS.forEach(([, hint], index) => $("suggestions").children[index].append(make("small", "", hint)));
  $("composer").addEventListener("submit", submit);
  $("message").addEventListener("input", saveDraft);
  $("message").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event); });
  scroller.addEventListener("scroll", () => { showLatest(); state.pinned = $("latest").hidden; }, { passive: true });
  $("latest").addEventListener("click", () => { state.pinned = true; render(); });
  $("restart").addEventListener("click", restart);
  $("sign-out").addEventListener("click", signOut);
  $("banner").querySelector("button").addEventListener("click", wake);
  $("passage").addEventListener("click", ({ target }) => { if (target === $("passage")) target.close(); });
  addEventListener("offline", () => showLost(new Lost()));
  addEventListener("online", () => { showBanner(""); state.link?.cut(); wake(); });
  document.addEventListener("visibilitychange", () => { state.looks = -1; lookForNews(); });
  setInterval(lookForNews, NEWS_POLL);
  if (isEmbedded) connectFrame();
}

// Only the words "close me" leave the frame, so any page may hear them.
function connectFrame() {
  const close = () => window.parent.postMessage("tria:close", "*");
  document.body.classList.add("embedded");
  $("close").hidden = false;
  $("close").addEventListener("click", close);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !$("passage").open) close(); });
}

connectPage();
const session = kept("sessionStorage", "tria.session");
if (session?.token) openChat(session);
else showSignIn("Choose a customer to try the assistant.");

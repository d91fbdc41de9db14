// The chat page: signs a customer in, holds one conversation, and outlives lost connections.
// What the server says is the truth; the page only adds what is not yet confirmed by it.

const QUIET_LIMIT = 45_000; // ms without a byte (heartbeats included) before a stream counts as dead
const LONGEST_WAIT = 15_000;
const STAFF_POLL = 15_000;
const LONG_TEXT = 700;
const ZONE = "Asia/Singapore";
const ORDER_FORM = `Order form
10" Regular Box (100/bundle): 600
12" Medium Box (100/bundle): 200
14" XL Box (50/bundle): 400
Delivery: next possible morning`;
const SUGGESTIONS = [
  { title: "What do I owe?", hint: "Open and overdue invoices", text: "What do I owe?" },
  { title: "Place an order", hint: "Fill in an order form", form: ORDER_FORM },
  { title: "Cancellation fee", hint: "The day before delivery", text: "What does it cost to cancel an order the day before delivery?" },
  { title: "Damaged goods", hint: "My boxes arrived crushed", text: "My boxes arrived crushed." },
];
const CARD_WORDS = {
  order: { confirm: "Confirm order", yes: "Yes, place this order", no: "No, do not place it", done: "Placed", not: "Not placed" },
  quote: { confirm: "Confirm quote", yes: "Yes, send this quote", no: "No, do not send it", done: "Sent", not: "Not sent" },
};
const ANY_CARD = { confirm: "Confirm", yes: "Yes, go ahead", no: "No, do not do it", done: "Done", not: "Not done" };

const $ = (id) => document.getElementById(id);
const embedded = new URLSearchParams(location.search).has("embed");
const waker = new EventTarget();
const state = { talk: {}, token: null, customer: null, thread: null, run: null, link: null, entries: [], busy: false, failure: null, pinned: true };

class Lost extends Error {
  constructor(message = "", wait = 0) {
    super(message);
    this.wait = wait;
  }
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// ---------------------------------------------------------------- small parts

function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function makeButton(className, label, onClick) {
  const button = make("button", className, label);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

const cloned = (id) => $(id).content.firstElementChild.cloneNode(true);

// Storage may be blocked, for one in a frame on another site: the chat then works without it.
function keep(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
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
  const { token, customer, thread, run } = state;
  keep("sessionStorage", "tria.session", { token, customer, thread, run: run && { id: run.id, last: "-1" } });
}

function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function plainText(content) {
  if (typeof content === "string") return content;
  return (content ?? []).map((block) => block.text ?? "").join("");
}

const money = (amount) => String(amount ?? "").replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
const count = (number) => Number(number).toLocaleString("en-SG");

function clockText(moment) {
  const day = (date) => date.toLocaleDateString("en-SG", { timeZone: ZONE, weekday: "short", day: "numeric", month: "short" });
  const time = moment.toLocaleTimeString("en-SG", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return day(moment) === day(new Date()) ? time : `${day(moment)}, ${time}`;
}

// ---------------------------------------------------------------- the network

async function call(path, { body, headers = {}, link = makeLink() } = {}) {
  const request = { method: body ? "POST" : "GET", headers: { ...headers }, signal: link.signal, cache: "no-store" };
  if (state.token) request.headers.Authorization = `Bearer ${state.token}`;
  if (body) Object.assign(request, { body: JSON.stringify(body) }).headers["Content-Type"] = "application/json";
  const response = await fetch(path, request).catch(() => { throw new Lost(); });
  return response.ok ? response : refuse(response);
}

async function refuse(response) {
  const { status } = response;
  const detail = await response.json().then((answer) => answer.detail, () => "");
  if (status === 401 && state.token) expireSession();
  const wait = 1000 * (Number(response.headers.get("Retry-After")) || 0);
  if (status >= 500 || [408, 409, 425, 429].includes(status)) throw new Lost("The service is busy.", wait);
  throw new Refused(status, typeof detail === "string" ? detail : "");
}

async function callJson(path, options) {
  const link = makeLink();
  const response = await call(path, { ...options, link });
  const answer = await response.json().catch(() => { throw new Lost(); });
  link.rest();
  return answer;
}

// Ends a request that has gone silent.
function makeLink() {
  const controller = new AbortController();
  const cut = () => controller.abort();
  let timer = setTimeout(cut, QUIET_LIMIT);
  const rest = () => clearTimeout(timer);
  const touch = () => { rest(); timer = setTimeout(cut, QUIET_LIMIT); };
  return { signal: controller.signal, cut, rest, touch };
}

async function* serverEvents(response, link) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read().catch(() => { throw new Lost(); });
    link.touch();
    if (done) return link.rest();
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) yield parseEvent(block);
  }
}

function parseEvent(block) {
  const fields = { event: "", data: "", id: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(event|data|id): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] += value;
  }
  return { ...fields, data: fields.data ? JSON.parse(fields.data) : null };
}

function pause(ms) {
  return new Promise((resolve) => {
    const wake = () => { clearTimeout(timer); resolve(); };
    const timer = setTimeout(wake, ms);
    waker.addEventListener("wake", wake, { once: true });
  });
}

const backoff = (attempt) => Math.min(LONGEST_WAIT, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);

// Repeats `work` until it succeeds or the conversation is left; only a lost connection is repeated.
async function insist(work) {
  const { talk } = state;
  for (let attempt = 0; state.talk === talk; attempt += 1) {
    try {
      const result = await work();
      if (state.talk === talk) showBanner("");
      return result;
    } catch (error) {
      if (state.talk !== talk) return undefined;
      if (!(error instanceof Lost)) throw error;
      showBanner(bannerText(error));
      await pause(Math.max(error.wait, backoff(attempt)));
    }
  }
  return undefined;
}

function bannerText(error) {
  if (!navigator.onLine) return "You are offline. Nothing is lost: we go on when you are back.";
  return `${error.message || "The connection is lost."} Trying again…`;
}

// ---------------------------------------------------------------- one turn

function send(content, extra = {}) {
  if (state.busy || !content.trim()) return false;
  const entry = { id: makeId(), type: "human", content, extra, phase: "sending", at: new Date() };
  state.entries.push(entry);
  state.pinned = true;
  runTurn(entry);
  return true;
}

async function runTurn(entry) {
  const { talk } = state;
  setBusy(true);
  if (entry.phase === "sending") keep("localStorage", outboxKey(), { thread: state.thread, id: entry.id, content: entry.content, extra: entry.extra });
  render();
  try {
    while (state.talk === talk && !(await insist(() => advance(entry)))) await pause(backoff(0));
  } catch (error) {
    if (state.talk === talk) state.failure = refusalText(error);
    if (!(error instanceof Refused)) console.error(error);
  }
  if (state.talk === talk) endTurn(entry);
}

function refusalText(error) {
  if (error.status === 413 || error.status === 422) return error.message || "This message is too long to send.";
  return error.message || "This message could not be sent.";
}

function endTurn(entry) {
  if (state.failure) Object.assign(entry, { phase: "failed", note: state.failure });
  else keep("localStorage", outboxKey(), null);
  state.entries = state.entries.filter((each) => each.phase !== "partial");
  Object.assign(state, { run: null, failure: null });
  setBusy(false);
  keepSession();
  render();
}

// One attempt to bring the turn to its end. True when it has ended.
async function advance(entry) {
  if (state.run) return (await rejoin(entry)) || isOver(entry);
  if (entry.phase === "sending" && !(entry.tried && (await isReceived(entry)))) await post(entry);
  else await findRun();
  return isOver(entry);
}

async function post(entry) {
  state.thread ??= (await callJson("threads", { body: { metadata: {} } })).thread_id;
  keepSession();
  entry.tried = true;
  const message = { id: entry.id, role: "user", content: entry.content, additional_kwargs: entry.extra };
  const body = {
    assistant_id: "tria", input: { messages: [message] }, stream_mode: ["values", "messages-tuple", "custom"],
    stream_resumable: true, on_disconnect: "continue",
  };
  const link = state.link = makeLink();
  const response = await call(`threads/${state.thread}/runs/stream`, { body, link }).catch((error) => leaveLostThread(error, entry));
  const run = response.headers.get("Content-Location")?.split("/").pop();
  acceptRun(entry, run);
  await follow(response, link);
}

// A conversation the server no longer has goes on in a fresh one, once.
function leaveLostThread(error, entry) {
  if (error.status !== 404 || entry.moved) throw error;
  Object.assign(entry, { moved: true, tried: false });
  Object.assign(state, { thread: null, entries: [entry] });
  throw new Lost();
}

function acceptRun(entry, id) {
  entry.phase = "done";
  keep("localStorage", outboxKey(), null);
  state.run = id ? { id, last: "-1" } : null;
  keepSession();
  render();
}

async function isReceived(entry) {
  await catchUp();
  return entry.phase === "done";
}

async function findRun() {
  const [latest] = await callJson(`threads/${state.thread}/runs?limit=1`);
  state.run = latest ? { id: latest.run_id, last: "-1" } : null;
}

// Goes on reading the run's events after the last one seen. True when the server has forgotten the run.
async function rejoin(entry) {
  const { run } = state;
  const link = state.link = makeLink();
  if (run.last === "-1") dropPartial();
  try {
    const path = `threads/${state.thread}/runs/${run.id}/stream`;
    await follow(await call(path, { headers: { "Last-Event-ID": run.last }, link }), link);
    return false;
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  await catchUp();
  if (!isAnswered(entry)) state.failure = "The answer did not reach us.";
  return true;
}

async function follow(response, link) {
  for await (const { event, data, id } of serverEvents(response, link)) {
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
  const after = state.entries.slice(state.entries.indexOf(entry) + 1);
  return after.some((each) => each.type === "ai" && each.phase === "done");
}

async function catchUp() {
  const { talk, thread } = state;
  const { values } = await callJson(`threads/${thread}/state`);
  if (state.talk === talk) absorb(values?.messages ?? []);
}

// ---------------------------------------------------------------- what arrives

const take = {
  metadata: ({ run_id: id }) => { state.run ??= { id, last: "-1" }; },
  messages: ([chunk]) => { if (chunk.type === "AIMessageChunk") takeChunk(chunk); },
  values: ({ messages }) => absorb(messages ?? []),
  error: ({ message }) => { state.failure = message || "Something went wrong on our side."; },
  custom: (event) => {
    if (event.type === "status") showStatus(event.text);
    else if (event.type === "reset") dropPartial();
    else if (event[event.type] && ["card", "citations", "handoff"].includes(event.type)) partial().extra[event.type] = event[event.type];
    render();
  },
};

function takeChunk({ id, content }) {
  if (state.entries.some((entry) => entry.id === id && entry.phase === "done")) return;
  const entry = partial();
  Object.assign(entry, { id, content: entry.content + plainText(content) });
  showStatus("");
  render();
}

function partial() {
  let entry = state.entries.find((each) => each.phase === "partial");
  if (!entry) state.entries.push(entry = { id: makeId(), type: "ai", content: "", extra: {}, phase: "partial", at: new Date() });
  return entry;
}

function dropPartial() {
  state.entries = state.entries.filter((entry) => entry.phase !== "partial");
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

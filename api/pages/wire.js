// The network: requests that end when they go silent, server-sent events, and waiting between attempts.

const QUIET_LIMIT = 45_000; // ms without a byte, heartbeats included
const LONGEST_WAIT = 15_000;
const PASSING = [408, 409, 425, 429]; // worth another attempt, as is every 5xx

const waker = new EventTarget();
export const access = { token: null, onExpired() {} };

/** No answer, or one that asks to come back: try again after at least `wait` ms. */
export class Lost extends Error {
  constructor(message = "", wait = 0) {
    super(message);
    this.wait = wait;
  }
}

/** An answer that another attempt would not change. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Cuts a request off when nothing has arrived for QUIET_LIMIT. */
export function makeLink() {
  const controller = new AbortController();
  const cut = () => controller.abort();
  let timer = setTimeout(cut, QUIET_LIMIT);
  const rest = () => clearTimeout(timer);
  const touch = () => { rest(); timer = setTimeout(cut, QUIET_LIMIT); };
  return { signal: controller.signal, cut, rest, touch };
}

export async function call(path, { body, headers = {}, link }) {
  const request = { method: body ? "POST" : "GET", headers: { ...headers }, signal: link.signal, cache: "no-store" };
  if (access.token) request.headers.Authorization = `Bearer ${access.token}`;
  if (body) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  const response = await fetch(path, request).catch(() => { throw new Lost(); });
  link.touch();
  if (response.ok) return response;
  throw await asError(response, link);
}

export async function callJson(path, { body } = {}) {
  const link = makeLink();
  try {
    const response = await call(path, { body, link });
    return await response.json().catch(() => { throw new Lost(); });
  } finally {
    link.rest();
  }
}

async function asError(response, link) {
  const { status } = response;
  const { detail } = await response.json().catch(() => ({}));
  link.rest();
  if (status === 401 && access.token) access.onExpired();
  const wait = 1000 * (Number(response.headers.get("Retry-After")) || 0);
  if (status >= 500 || PASSING.includes(status)) return new Lost("The service is busy.", wait);
  return new Refused(status, typeof detail === "string" ? detail : "");
}

export async function* serverEvents(response, link) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch(() => { throw new Lost(); });
    if (done) return link.rest();
    link.touch();
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
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

export const wake = () => waker.dispatchEvent(new Event("wake"));

export function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    waker.addEventListener("wake", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Twice as long after each failure, with jitter, so that pages do not return all at once. */
export const backoff = (attempt) => Math.min(LONGEST_WAIT, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);

// How messages look. Text from the server and from people enters the page as text nodes only.

const ZONE = "Asia/Singapore";
const LONG_TEXT = 600;
const LONG_LINES = 12;
const ORDER_WORDS = { confirm: "Confirm order", yes: "Yes, place this order", no: "No, do not place it", done: "Placed", not: "Not placed" };
const QUOTE_WORDS = { confirm: "Confirm quote", yes: "Yes, send this quote", no: "No, do not send it", done: "Sent", not: "Not sent" };
const CARD_WORDS = { confirm: "Confirm", yes: "Yes, go ahead", no: "No, leave it as it is", done: "Done", not: "Not done" };
const ROWS = {
  invoice: "Invoice", quote: "Quote", amount: "Amount", fee: "Fee", refund: "Refund", remaining: "Left afterwards", new_total: "New total",
  address_masked: "To the address", paid_on: "Paid on", reason: "Reason", items: "Items", slot: "Delivery", expires: "Valid until", approval: "Agreed by",
};
const DELIVERED = ["order", "quote_accept", "order_change"];
const FORMS = [["pdf", "Delivery order (PDF)"], ["xlsx", "Delivery order (Excel)"]];
const TONES = { proposed: "open", confirmed: "open", approved: "open", committed: "good", failed: "bad" };

const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const wordsFor = (card) => ({ order: ORDER_WORDS, quote: QUOTE_WORDS })[card.kind] ?? CARD_WORDS;
const count = (number) => Number(number).toLocaleString("en-SG");

// Amounts stay strings, so that no digit can change on the way.
const money = (amount) => String(amount).replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));

// A row of a card: an amount, a day, or words.
function readable(value) {
  if (/^-?\d+\.\d{2}$/.test(value)) return money(value);
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) return value;
  return new Date(`${value}T00:00`).toLocaleDateString("en-SG", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
}

export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function makeButton(className, label, onClick) {
  const button = make("button", className, label);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

/** Paragraphs, line breaks, "- " lists, **bold** and links to our own documents. */
export function markup(text) {
  const blocks = [];
  let block = null;
  for (const line of text.split(/\r?\n/)) {
    const [, item] = /^\s*- (.*)/.exec(line) ?? [];
    const tag = item === undefined ? "P" : "UL";
    if (!line.trim()) block = null;
    else {
      if (block?.tagName !== tag) blocks.push(block = make(tag));
      else if (tag === "P") block.append(make("br"));
      block.append(...(tag === "UL" ? [make("li", "", ...inline(item))] : inline(line)));
    }
  }
  return blocks;
}

function inline(line) {
  const pieces = line.split(/(\*\*[^*]+\*\*|\[[^[\]]+\]\([^\s()]+\)|[^\s()<>"'[\]]*\/documents\/[\w-]+)/);
  return pieces.map((piece, index) => (index % 2 ? span(piece) : piece));
}

function span(piece) {
  if (piece.startsWith("**")) return make("strong", "", piece.slice(2, -2));
  const [, label, address] = /^\[(.+)\]\((.+)\)$/.exec(piece) ?? ["", "Download", piece];
  const path = documentPath(address);
  if (!path) return piece;
  const link = make("a", "download", label);
  Object.assign(link, { href: path, target: "_blank", rel: "noopener noreferrer" });
  return link;
}

// Every other address stays text, whoever wrote it.
function documentPath(address) {
  let url;
  try {
    url = new URL(address, location.origin);
  } catch {
    return null;
  }
  const [, token] = /^\/documents\/([\w-]{43})$/.exec(url.pathname) ?? [];
  return token && url.origin === location.origin && !url.search && !url.hash ? `documents/${token}` : null;
}

function clock(moment) {
  const day = (date) => date.toLocaleDateString("en-SG", { timeZone: ZONE, weekday: "short", day: "numeric", month: "short" });
  const hour = moment.toLocaleTimeString("en-SG", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const time = make("time", "", day(moment) === day(new Date()) ? hour : `${day(moment)}, ${hour}`);
  time.dateTime = moment.toISOString();
  return time;
}

/** The person who has the conversation, by name; without one the assistant answers. */
export function personIn(entries) {
  const last = entries.findLast(({ extra }) => extra.person?.event)?.extra.person;
  return last?.event === "joined" ? last.name : null;
}

/** Brings the log in line with `entries`, touching only what changed. `acts` are decide, cite, retry, download. */
export function showEntries(log, entries, busy, acts) {
  const cards = cardStates(entries);
  const isNamed = entries.some(({ extra }) => extra.person);
  const nodes = entries.map((entry) => {
    const card = entry.extra.card && { ...cards.get(entry), busy };
    entry.isNamed = isNamed && entry.type === "ai";
    const seen = JSON.stringify([entry, card], (key, value) => (key === "node" || key === "seen" ? undefined : value));
    if (seen !== entry.seen) draw(entry, card, acts);
    entry.seen = seen;
    return entry.node;
  });
  nodes.forEach((node, index) => { if (log.children[index] !== node) log.insertBefore(node, log.children[index] ?? null); });
  while (log.children.length > nodes.length) log.lastElementChild.remove();
}

function draw(entry, card, acts) {
  entry.node ??= make("article");
  const { person } = entry.extra;
  entry.node.className = `entry ${entry.type} ${entry.phase}${person ? ` person ${person.event ?? ""}` : ""}`;
  const author = entry.type === "human" ? "You" : entry.name || (entry.isNamed ? "Tria, the assistant" : "Tria");
  const named = entry.isNamed && !person?.event;
  const parts = [make("h3", named ? "author" : "unseen", author), entry.type === "human" ? ownText(entry, () => draw(entry, card, acts)) : replyText(entry)];
  const { citations, handoff } = entry.extra;
  if (card) parts.push(card.isShown ? cardView(entry.extra.card, card, acts) : make("p", "card-line", `${entry.extra.card.title}: see below`));
  if (handoff) parts.push(handoffView(handoff));
  if (citations?.length) parts.push(citationList(citations, acts));
  parts.push(footnote(entry, acts));
  entry.node.replaceChildren(...parts);
}

const replyText = (entry) => make("div", "text", ...markup(entry.content));

function ownText(entry, redraw) {
  const isLong = entry.content.length > LONG_TEXT || entry.content.split("\n").length > LONG_LINES;
  const text = make("div", isLong && !entry.isOpen ? "text folded" : "text", make("p", "", entry.content));
  if (isLong) text.append(makeButton("fold", entry.isOpen ? "Show less" : "Show all", () => { entry.isOpen = !entry.isOpen; redraw(); entry.node.querySelector(".fold").focus(); }));
  return text;
}

function footnote(entry, { retry, rate }) {
  const foot = make("div", "footnote");
  if (entry.at) foot.append(clock(entry.at));
  if (entry.phase === "sending") foot.append(make("span", "", "Sending"));
  if (rate && entry.type === "ai" && entry.phase === "done" && !entry.extra.person) foot.append(rate(entry));
  if (entry.phase !== "failed") return foot;
  foot.append(make("span", "problem", entry.note ?? "Not sent."), makeButton("link", "Retry", () => retry(entry)));
  return foot;
}

function citationList(citations, { cite }) {
  const unique = [...new Map(citations.map((each) => [each.id, each])).values()];
  const list = make("ul", "citations", ...unique.map((each) => {
    const button = makeButton("citation", each.section || each.title, () => cite(each));
    button.setAttribute("aria-haspopup", "dialog");
    return make("li", "", button);
  }));
  list.setAttribute("aria-label", "Sources");
  return list;
}

function handoffView({ ticket, who, deadline, deadline_text: text }) {
  const view = template("handoff-template");
  view.querySelector("strong").textContent = `Passed to our ${who}`;
  const due = make("time", "", text);
  due.dateTime = deadline;
  view.querySelector("span").append("You will hear from them by ", due, `. Ticket ${ticket}.`);
  return view;
}

// ---------------------------------------------------------------- cards

// A card can appear in several messages: the last one shows it, and only the last open card can be answered.
function cardStates(entries) {
  const shown = new Map();
  const answers = new Map();
  let open = null;
  for (const entry of entries) {
    const { card, action, person } = entry.extra;
    if (person?.event) open = null; // whoever comes or goes, what was asked before is asked no more
    if (card) {
      shown.set(card.action_id, entry);
      if (card.replaces) answers.set(card.replaces, "replaced");
      answers.delete(card.action_id);
      if (card.status === "proposed") open = entry;
      else if (open?.extra.card.action_id === card.action_id) open = null;
    }
    if (action) answers.set(action.action_id, action.decision);
  }
  const stateOf = (entry, id) => ({ isShown: shown.get(id) === entry, isLive: entry === open && entry.phase === "done" && !answers.has(id), answer: answers.get(id) });
  return new Map(entries.filter(({ extra }) => extra.card).map((entry) => [entry, stateOf(entry, entry.extra.card.action_id)]));
}

export function cardView(card, { isLive, busy, answer }, { decide, download }) {
  const view = template("card-template");
  const words = wordsFor(card);
  const [label, tone] = badge(card, isLive, answer, words);
  view.setAttribute("aria-label", card.title);
  view.querySelector("h3").textContent = card.title;
  Object.assign(view.querySelector(".chip"), { textContent: label, className: `chip ${tone}` });
  view.querySelector("tbody").append(...(card.lines ?? []).map(lineRow));
  view.querySelector("tfoot").append(...totalRows(card));
  if (!card.lines?.length) view.querySelector("thead").remove();
  view.querySelector("dl").append(...facts(card).flatMap(([name, ...lines]) => [make("dt", "", name), make("dd", "", ...lines.map((line) => make("span", "", line)))]));
  view.querySelector(".notes").append(...(card.notes ?? []).map((note) => make("li", "", note)));
  if (isLive) fillAnswers(view, card, { words, busy, decide });
  else if (download && isDelivered(card)) fillDownloads(view, card, download);
  else view.querySelector("footer").remove();
  return view;
}

function fillAnswers(view, card, { words, busy, decide }) {
  const [yes, no] = view.querySelectorAll("footer button");
  yes.textContent = words.confirm;
  yes.disabled = no.disabled = busy;
  yes.addEventListener("click", () => decide(card, "confirm", words.yes));
  no.addEventListener("click", () => decide(card, "decline", words.no));
}

// A changed order keeps the number that it was placed under.
const orderNumber = (card) => (card.kind === "order_change" ? card.invoice : card.document_number);

function isDelivered(card) {
  return card.status === "committed" && DELIVERED.includes(card.kind) && card.outlet && card.delivery && orderNumber(card);
}

function fillDownloads(view, card, download) {
  const number = orderNumber(card);
  const buttons = FORMS.map(([form, label]) => {
    const [path, name] = [`orders/${encodeURIComponent(number)}/delivery-order.${form}`, `${number}-delivery-order.${form}`];
    return makeButton("secondary", label, ({ target }) => download(path, name, target));
  });
  view.querySelector("footer").replaceChildren(...buttons);
}

function badge(card, isLive, answer, words) {
  if (answer === "replaced") return ["Changed: see below", ""];
  if (card.status === "proposed" && !isLive) return [{ confirm: "Confirmed", decline: words.not }[answer] ?? "Closed", ""];
  const done = card.document_number ? `${words.done} · ${card.document_number}` : words.done;
  const waiting = card.needs_approval ? "Waiting for a colleague" : "In progress";
  const labels = { proposed: "Please confirm", confirmed: waiting, approved: "In progress", committed: done, declined: words.not, cancelled: words.not, expired: "Expired", failed: words.not };
  return [labels[card.status] ?? card.status, TONES[card.status] ?? ""];
}

function lineRow(line) {
  const packs = line.pack && line.pack !== "piece" && Number(line.packs) ? `${count(line.packs)} ${line.pack}${Number(line.packs) === 1 ? "" : "s"}` : "";
  const row = make("tr", "",
    make("th", "", line.name, make("small", "", line.code ?? "")),
    make("td", "", count(line.pieces), make("small", "", packs)),
    make("td", "", money(line.amount), make("small", "", Number(line.unit_price) ? `${line.unit_price} each` : "free")));
  row.firstElementChild.scope = "row";
  return row;
}

function totalRows(card) {
  const rows = [["Subtotal", card.subtotal], ...(card.fees ?? []).map(({ label, amount }) => [label, amount]), [`GST ${card.gst_percent}%`, card.gst]];
  const known = [...rows, [`Total ${card.currency}`, card.total]].filter(([, amount]) => amount !== null && amount !== undefined);
  return known.map(([label, amount]) => {
    const head = make("th", "", label);
    Object.assign(head, { scope: "row", colSpan: 2 });
    return make("tr", label.startsWith("Total") ? "total" : "", head, make("td", "", money(amount)));
  });
}

function facts({ rows: told = [], delivery, outlet, bill_to: payer }) {
  const rows = told.map(([key, value]) => [ROWS[key] ?? key, readable(value)]);
  if (delivery) rows.push(["Delivery", [delivery.day_text, delivery.window_text].filter(Boolean).join(", ")]);
  if (outlet) rows.push(["To", outlet.name, outlet.address], ["Contact", [outlet.contact_person, outlet.mobile].filter(Boolean).join(", ")]);
  if (payer) rows.push(["Bill to", payer.name ?? payer]);
  return rows.map((row) => row.filter(Boolean)).filter((row) => row.length > 1);
}

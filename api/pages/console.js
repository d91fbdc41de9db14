// The console: what waits for a person, what went wrong with cards, and how Xero fares.
// Lists are kept in step with the server by id, so that nothing moves under a finger.

import { cardView, make } from "./view.js";

const EVERY = 5_000; // ms between two looks while the page is seen
const PATIENCE = 15_000; // ms for one answer
const KEY = "tria.console";
const ZONE = "Asia/Singapore";

const $ = (id) => document.getElementById(id);
const state = { token: null, staff: null, timer: 0, approvals: new Map(), trouble: new Map() };

class Failed extends Error {}
const failed = (status, message) => Object.assign(new Failed(message), { status });

async function ask(path, body) {
  const request = { method: body ? "POST" : "GET", headers: {}, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
  if (state.token) request.headers.Authorization = `Bearer ${state.token}`;
  if (body) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  const response = await fetch(path, request).catch(() => { throw failed(0, "The service does not answer."); });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401 && state.staff) signOut("Your sign-in has ended. Please sign in again.");
  throw failed(response.status, typeof answer.detail === "string" ? answer.detail : "Something failed.");
}

// ---------------------------------------------------------------- signing in

// Where storage is blocked the sign-in ends with the page.
function kept(change = (storage) => storage.getItem(KEY)) {
  try { return change(sessionStorage); } catch { return null; }
}

// The names that a token carries: the server alone decides what they are worth.
function staffIn(token) {
  try {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).staff;
  } catch { return null; }
}

async function showSignIn() {
  $("sign-in").hidden = false;
  const staff = await ask("/demo/staff").catch(({ status, message }) => (status === 404 ? [] : showBanner(message)));
  if (!staff) return;
  $("token-form").hidden = staff.length > 0;
  if (!staff.length) $("sign-in-note").textContent = "Paste the token that was made for you with: tria sign-in";
  $("staff").replaceChildren(...staff.map(staffButton));
}

function staffButton(person) {
  const item = $("staff-template").content.firstElementChild.cloneNode(true);
  item.querySelector(".initials").textContent = person.name.split(/\s+/).map(([first]) => first).slice(0, 2).join("");
  item.querySelector("strong").textContent = person.name;
  item.querySelector("small").textContent = person.who;
  item.querySelector(".chip").textContent = person.is_admin ? `level ${person.level}, admin` : `level ${person.level}`;
  item.querySelector("button").addEventListener("click", () => ask("/demo/staff-sign-in", { staff_id: person.staff_id }).then(({ token }) => signIn(token), ({ message }) => showBanner(message)));
  return item;
}

function signInByToken(event) {
  event.preventDefault();
  const token = state.token = $("token").value.trim();
  return act($("token-note"), async () => {
    await ask("/admin/approvals").catch((error) => { throw error.status === 401 ? failed(401, "This token is not valid, or has ended.") : error; });
    $("token").value = "";
    signIn(token);
  });
}

function signIn(token) {
  const staff = staffIn(token);
  if (!staff) return signOut("This sign-in cannot be read.");
  Object.assign(state, { token, staff });
  kept((storage) => storage.setItem(KEY, token));
  $("who").textContent = `${staff.name}, level ${staff.level}${staff.is_admin ? ", admin" : ""}`;
  for (const [id, isHidden] of [["sign-in", true], ["desk", false], ["sign-out", false], ["updated", false]]) $(id).hidden = isHidden;
  $("xero-acts").hidden = !staff.is_admin;
  for (const button of document.querySelectorAll("#choose button:not([data-elsewhere])")) button.disabled = false;
  $($("choose") ? "choose-title" : "approvals-title").focus();
  return look();
}

function signOut(message = "") {
  clearTimeout(state.timer);
  for (const shown of [state.approvals, state.trouble]) shown.clear();
  for (const id of ["approvals", "trouble", "xero", "staff"]) $(id).replaceChildren();
  Object.assign(state, { token: null, staff: null });
  kept((storage) => storage.removeItem(KEY));
  for (const button of document.querySelectorAll("#choose button")) button.disabled = true;
  for (const id of ["desk", "sign-out", "updated"]) $(id).hidden = true;
  $("who").textContent = "Approvals and Xero";
  showBanner(message);
  showSignIn().then(() => $("sign-in-title").focus());
}

// ---------------------------------------------------------------- looking

async function look() {
  clearTimeout(state.timer);
  const { token } = state;
  if (!token) return;
  try {
    const [approvals, trouble, xero] = await Promise.all([ask("/admin/approvals"), ask("/admin/actions?status=trouble&limit=20"), ask("/admin/xero")]);
    if (state.token !== token) return;
    showApprovals(approvals);
    showTrouble(trouble);
    showXero(xero);
    $("updated").textContent = `Updated ${new Date().toLocaleTimeString("en-SG", { timeZone: ZONE, hourCycle: "h23" })}`;
    showBanner("");
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    if (state.staff) showBanner(`${error.message} Trying again ...`);
  }
  if (state.token === token && !document.hidden) state.timer = setTimeout(look, EVERY);
}

function showBanner(message) {
  const line = $("banner").firstElementChild;
  if (line.textContent !== message) line.textContent = message;
  line.hidden = !message;
}

// Adds, updates and removes the list's items by id; those that stay are not touched by the others.
function keepInStep(list, shown, rows, build, update) {
  for (const [id, item] of shown) if (!rows.some((row) => row.action_id === id)) { item.remove(); shown.delete(id); }
  for (const row of rows) {
    if (!shown.has(row.action_id)) shown.set(row.action_id, build(row));
    update(shown.get(row.action_id), row);
  }
  rows.map((row) => shown.get(row.action_id)).forEach((item, index) => { if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null); });
}

const countIn = (chip, number, tone) => Object.assign(chip, { textContent: number, hidden: !number, className: `chip ${tone}` });
const ago = (seconds) => {
  if (seconds < 60) return "under a minute";
  const [size, unit] = [[86_400, "day"], [3_600, "hour"], [60, "minute"]].find(([each]) => seconds >= each);
  const many = Math.floor(seconds / size);
  return `${many} ${unit}${many === 1 ? "" : "s"}`;
};
const moment = (at) => new Date(at).toLocaleString("en-SG", { timeZone: ZONE, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const money = ({ currency = "SGD", total, amount }) => (total ?? amount ? `${currency} ${total ?? amount}` : "");

// ---------------------------------------------------------------- approvals

function showApprovals(rows) {
  const fresh = rows.filter(({ action_id }) => !state.approvals.has(action_id)).length;
  keepInStep($("approvals"), state.approvals, rows, approvalItem, (item, row) => { item.querySelector(".waiting").textContent = ago(row.age_s); });
  countIn($("approvals-count"), rows.length, "open");
  $("approvals-none").hidden = rows.length > 0;
  if (fresh) $("said").textContent = `${fresh} new to approve, ${rows.length} in all.`;
}

function approvalItem(row) {
  const view = cardView(row.card, { isLive: false, busy: false }, {});
  Object.assign(view.querySelector(".chip"), { textContent: `level ${row.level} · ${row.who}`, className: "chip open" });
  view.querySelector("header").after(about(row));
  view.append(row.may_decide ? answer(row) : make("p", "above", `Level ${row.level} decides: ${row.who}.`));
  return make("li", "", view);
}

function about(row) {
  const facts = [["Company", row.company], ["Asked by", row.customer], ["Waiting for", ago(row.age_s), "waiting"], ["Ticket", row.ticket], ["Conversation", row.thread_id?.slice(0, 8)]];
  return make("dl", "about", ...facts.filter(([, value]) => value).map(([name, value, kind = ""]) => make("div", "", make("dt", "", name), make("dd", kind, value))));
}

// Two steps, so that no decision is made by a slip.
function answer(row) {
  const view = $("answer-template").content.firstElementChild.cloneNode(true);
  const [footer, form] = view.children;
  const [label, reason, problem] = ["label span", "textarea", ".problem"].map((part) => form.querySelector(part));
  const [yes, back] = form.querySelectorAll("button");
  let decision = "";
  const turn = (isAsking) => { form.hidden = !isAsking; footer.hidden = isAsking; problem.textContent = ""; };
  for (const button of footer.children) button.addEventListener("click", () => {
    ({ decision } = button.dataset);
    const isApproval = decision === "approve";
    label.textContent = isApproval ? "Note for the record (optional)" : "Why not? For the record; the customer does not read it.";
    yes.textContent = isApproval ? `Yes, approve ${money(row.card)}`.trim() : "Yes, decline";
    yes.className = isApproval ? "primary" : "bad-act";
    turn(true);
    reason.focus();
  });
  back.addEventListener("click", () => { turn(false); footer.querySelector(`[data-decision=${decision}]`).focus(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (decision === "decline" && !reason.value.trim()) { problem.textContent = "Please say why."; return reason.focus(); }
    yes.disabled = back.disabled = true;
    await act(problem, async () => {
      await ask(`/admin/approvals/${row.action_id}`, { decision, reason: reason.value.trim() });
      $("approvals-title").focus();
      $("said").textContent = `${decision === "approve" ? "Approved" : "Declined"}: ${row.card.title}`;
      await look();
    });
    yes.disabled = back.disabled = false;
    return undefined;
  });
  return view;
}

// ---------------------------------------------------------------- cards in trouble

function showTrouble(rows) {
  keepInStep($("trouble"), state.trouble, rows, troubleItem, (item, row) => {
    item.querySelector("summary > small").textContent = [row.company, row.error, row.tries ? `tried ${row.tries} times` : "", `${ago(row.age_s)} ago`].filter(Boolean).join(" · ");
    Object.assign(item.querySelector(".chip"), { textContent: row.status, className: `chip ${row.status === "failed" ? "bad" : "open"}` });
  });
  countIn($("trouble-count"), rows.length, "bad");
  $("trouble-none").hidden = rows.length > 0;
}

function troubleItem(row) {
  const lines = make("ul", "log-lines");
  const item = make("details", "", make("summary", "", make("span", "", row.card.title), make("span", "chip"), make("small")), lines);
  item.addEventListener("toggle", async () => {
    if (!item.open) return;
    const found = await ask(`/admin/actions/${row.action_id}`).catch(() => null);
    if (!found) return void lines.replaceChildren(make("li", "", "This could not be read."));
    const writes = found.writes.map(({ operation, status, epoch }) => make("li", "", `${operation.replaceAll("_", " ")}: ${status}`, make("small", "", `try ${epoch + 1}`)));
    const steps = found.trail.map(({ at, actor, event, note }) => make("li", "", `${event.replace("action.", "").replaceAll("_", " ")} by ${actor}`, make("small", "", [moment(at), note?.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, "card $1")].filter(Boolean).join(" · "))));
    return lines.replaceChildren(...writes, ...steps);
  });
  return make("li", "", item);
}

// ---------------------------------------------------------------- Xero

function showXero({ is_connected: isConnected, to_do: toDo, connection, limits, breaker, errors, webhook }) {
  Object.assign($("xero-state"), { textContent: isConnected ? "Connected" : "Not connected", className: `chip ${isConnected ? "good" : "bad"}` });
  fill($("xero-to-do"), toDo.map((text) => make("li", "", text)));
  const rows = [
    ["Organisation", connection?.name || connection?.tenant_id],
    ["Connected by", connection && `${connection.connected_by}, ${moment(connection.connected_at)}`],
    ["Access token", connection?.token_age_s != null && `${ago(connection.token_age_s)} old`],
    ["Refresh token", connection?.refresh_age_days != null && `${connection.refresh_age_days} of 60 days`],
    ["Left this minute", limits.minute_left?.toLocaleString("en-SG")],
    ["Left today", limits.day_left?.toLocaleString("en-SG")],
    ["Calls", breaker.state === "closed" ? "going through" : `held back since ${moment(breaker.since)}`],
    ["Webhook", !webhook.is_configured ? "no key" : webhook.last_at ? `last event ${moment(webhook.last_at)}` : "no event yet"],
    ["Events waiting", webhook.waiting || null],
  ].filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "");
  fill($("xero"), rows.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", String(value))]));
  showLines($("xero-errors"), "Errors lately", errors, (each) => [`${each.method} ${each.path}: ${each.problem}`, `${moment(each.at)}${each.status ? ` · ${each.status}` : ""}`]);
  showLines($("xero-parked"), "Events given up", webhook.parked, (each) => [`${each.category} ${each.event_type}: ${each.error}`, `${moment(each.event_at)} · ${each.resource_id}`]);
  $("connect").textContent = connection ? "Connect again" : "Connect Xero";
  $("retry").hidden = !webhook.parked.length;
}

function showLines(details, name, entries, words) {
  details.hidden = !entries.length;
  details.querySelector("summary").textContent = `${name} (${entries.length})`;
  fill(details.querySelector("ul"), entries.map(words).map(([line, small]) => make("li", "", line, make("small", "", small))));
}

// Leaves the page alone where nothing changed, so that nobody loses a selection or their place.
function fill(list, items) {
  const seen = items.map((item) => item.textContent).join("\n");
  if (list.dataset.seen === seen && list.children.length === items.length) return;
  list.dataset.seen = seen;
  list.replaceChildren(...items);
}

async function act(problem, work) {
  problem.textContent = "";
  await work().catch((error) => {
    if (!(error instanceof Failed)) throw error;
    problem.textContent = error.message;
  });
}

function choose({ target }) {
  const tenant = target.closest("button")?.dataset.tenant;
  if (!tenant) return;
  const section = $("choose");
  act(section.querySelector(".problem"), async () => {
    const { name } = await ask("/admin/xero/tenant", { state: section.dataset.state, tenant_id: tenant });
    history.replaceState(null, "", "/console");
    section.remove();
    $("said").textContent = `Connected to ${name}.`;
    $("xero-title").focus();
    await look();
  });
}

function download(event) {
  event.preventDefault();
  return act($("capture-problem"), async () => {
    const draft = await ask(`/admin/conversations/${encodeURIComponent($("conversation").value.trim())}/case`);
    const file = make("a", "");
    file.href = URL.createObjectURL(new Blob([`${JSON.stringify(draft)}\n`], { type: "application/jsonl" }));
    file.download = `${draft.id}.jsonl`;
    file.click();
    URL.revokeObjectURL(file.href);
  });
}

$("capture").addEventListener("submit", download);
$("token-form").addEventListener("submit", signInByToken);
$("sign-out").addEventListener("click", () => signOut());
$("connect").addEventListener("click", () => act($("xero-problem"), async () => location.assign((await ask("/admin/xero/connect", {})).authorize_url)));
$("retry").addEventListener("click", () => act($("xero-problem"), async () => { await ask("/admin/xero/events/retry", {}); await look(); }));
$("choose")?.addEventListener("click", choose);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
if ($("problem")) history.replaceState(null, "", "/console");

if (kept()) signIn(kept());
else showSignIn();

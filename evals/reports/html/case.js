"use strict";
// One case, drawn when it is opened: its turns, and how the world stands at the end.

const HIDDEN_FIELDS = /^(HasErrors|HasAttachments|CurrencyRate|IsDiscounted|DateString|DueDateString|UpdatedDateUTC|created)$/;

function caseView(data) {
  const body = make("div", "trials");
  const show = (index) => body.replaceChildren(...trialView(data.trials[index], data.expected));
  const first = Math.max(0, data.trials.findIndex((trial) => !trial.passed));
  show(first);
  const parts = [make("div", "again", make("h5", "unseen", "Run it again"), command(data.command), make("p", "soft", about(data)))];
  if (data.trials.length > 1) parts.push(trialChoice(data.trials, first, show));
  return [...parts, body];
}

function about({ owner, tags, expected }) {
  const world = expected ? `${expected.customer}, from ${expected.clock.replace("T", " ").slice(0, 16)}` : "";
  return [owner && `owner ${owner}`, tags.join(", "), world].filter(Boolean).join(" · ");
}

function trialChoice(trials, first, show) {
  const buttons = trials.map((trial, index) => {
    const word = trial.passed ? "passed" : "failed";
    return makeButton(`trial ${word}`, `Trial ${trial.trial}: ${word}`, () => choose(index));
  });
  const choose = (index) => {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === index)));
    show(index);
  };
  buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === first)));
  return make("div", "choice", ...buttons);
}

function trialView(trial, expected) {
  const { outcome, verdicts } = trial;
  if (trial.skipped) return [make("p", "event", `Skipped: ${trial.skipped}`)];
  const parts = outcome.crash ? [make("div", "crash", make("strong", "", "It could not be played"), pretty(outcome.crash))] : [];
  outcome.turns.forEach((turn, index) => {
    const own = verdicts.filter((verdict) => verdict.turn === index + 1);
    const isBad = own.some((verdict) => !verdict.passed);
    const label = make("h5", "", `Turn ${index + 1}`, make("small", "", [turn.stream.total_ms ? ms(turn.stream.total_ms) : "", turn.status === "succeeded" ? "" : turn.status].filter(Boolean).join(" · ")));
    parts.push(make("section", `turn${isBad ? " failed" : ""}`, label, conversation(turn, own), inspection(turn, own, expected?.turns?.[index]?.expect)));
  });
  return [...parts, endView(trial, expected)];
}

function endView({ outcome, verdicts, seconds, usd, tokens }, expected) {
  const count = outcome.turns.length;
  const own = verdicts.filter((verdict) => verdict.turn === null || verdict.turn > count);
  const spent = [`${seconds.toFixed(1)} s`, tokens ? `${tokens.toLocaleString("en-SG")} tokens` : "", Number(usd) ? `USD ${usd}` : "no model cost"].filter(Boolean).join(" · ");
  const parts = [make("h5", "", "At the end", make("small", "", spent))];
  if (own.length) parts.push(verdictView(own));
  const folds = [
    fold(`Books, ${outcome.books.length ? `${outcome.books.length} changed` : "unchanged"}`, () => (outcome.books.length ? outcome.books.map(bookView) : make("p", "soft", "No document is new or different.")), outcome.books.length > 0),
    ...(outcome.actions.length ? [fold(`Cards and their writes, ${outcome.actions.length}`, () => outcome.actions.map(actionView))] : []),
    ...(outcome.tickets.length ? [fold(`Tickets, ${outcome.tickets.length}`, () => outcome.tickets.map(ticketView))] : []),
    ...(outcome.letters.length ? [fold(`E-mails that Xero sent, ${outcome.letters.length}`, () => outcome.letters.map(pretty))] : []),
    ...(expected?.final ? [fold("Expected end", () => pretty(expected.final))] : []),
    ...(outcome.log.length ? [fold(`Log, ${outcome.log.length} ${outcome.log.length === 1 ? "line" : "lines"}`, () => pretty(outcome.log.join("\n")))] : []),
  ];
  return make("section", "turn end", ...parts, make("div", "folds", ...folds));
}

/** A document's fields before and after, those that are the same left out. */
function bookView({ kind, number, id, before, after }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])].filter((name) => !HIDDEN_FIELDS.test(name));
  const text = (value) => (Array.isArray(value) ? value.map(fieldText).join("\n") : fieldText(value));
  const rows = names.map((field) => [field, text(before?.[field]), text(after[field])]).filter(([, a, b]) => a !== b);
  return make("div", "book", make("p", "", make("strong", "", `${kind.replace("_", " ")} ${number || id}`), chip(before ? "changed" : "new", before ? "warm" : "good")),
    before ? table(["Field", "Before", "After"], rows) : table(["Field", "Written"], rows.map(([field, , written]) => [field, written])));
}

/** A value of Xero's: its days are numbers, its lines objects. */
function fieldText(value) {
  if (value === undefined || value === null) return "";
  if (typeof value !== "object") return String(value).replace(/^\/Date\((-?\d+).*\)\/$/, (_, moment) => new Date(Number(moment)).toISOString().replace("T00:00:00.000Z", ""));
  if (value.LineAmount !== undefined) return `${value.Quantity ?? ""} × ${value.ItemCode ?? value.Description ?? ""} at ${value.UnitAmount ?? ""} = ${value.LineAmount}`;
  return value.Name ?? short(value);
}

function actionView(action) {
  const { writes = [], card = {} } = action;
  const rows = writes.map((write) => [`${write.position ?? ""} ${write.operation ?? ""}`.trim(), write.target ?? "", write.status ?? "", write.document_id ?? ""]);
  const facts = ["confirmed_at", "confirmed_by", "approval_level", "decided_by", "decided_at", "document_number", "error"].filter((key) => given(action[key])).map((key) => [key.replace("_", " "), String(action[key])]);
  return make("div", "book", make("p", "", make("strong", "", card.title ?? action.kind ?? "card"), chip(action.status ?? "", CARD_TONES[action.status])), facts.length ? pairs("", facts) : null,
    rows.length ? table(["Write", "Target", "Status", "Document"], rows) : make("p", "soft", "Nothing was written."), fold("Row", () => pretty(action)));
}

function ticketView(ticket) {
  const head = [`T-${String(ticket.ticket_id ?? "").padStart(6, "0")}`, ticket.reason, `level ${[ticket.levels ?? ticket.level].flat().join(", ")}`, ticket.status].filter(Boolean).join(" · ");
  return make("div", "book", make("p", "", make("strong", "", head)), ticket.deadline ? make("p", "soft", `answer due ${ticket.deadline}`) : null, pretty(ticket.packet ?? ticket));
}

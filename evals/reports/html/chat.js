"use strict";
// The conversation as the customer saw it.

const STEPS = { button: "The customer presses", staff: "A colleague:", payment: "Meanwhile", wait: "Then" };
const CARD_TONES = { proposed: "warm", confirmed: "warm", approved: "warm", committed: "good", failed: "bad" };

/** Paragraphs, line breaks, "- " lists and **bold**; every address stays text. */
function markup(text) {
  const blocks = [];
  let block = null;
  for (const line of text.split(/\r?\n/)) {
    const [, item] = /^\s*- (.*)/.exec(line) ?? [];
    const tag = item === undefined ? "P" : "UL";
    if (!line.trim()) block = null;
    else {
      if (block?.tagName !== tag) blocks.push(block = make(tag));
      else if (tag === "P") block.append(make("br"));
      block.append(...(tag === "UL" ? [make("li", "", ...bold(item))] : bold(line)));
    }
  }
  return blocks;
}

const bold = (line) => line.split(/\*\*([^*]+)\*\*/).map((piece, index) => (index % 2 ? make("strong", "", piece) : piece));

function said(turn) {
  if (turn.kind === "user") return make("div", "bubble customer", make("h6", "unseen", "Customer"), make("p", "", turn.said));
  return make("p", "event", `${STEPS[turn.kind] ?? turn.kind} ${turn.said}`);
}

function answer(text, extra = {}) {
  const parts = [make("h6", "unseen", "Tria"), ...markup(text)];
  if (extra.card) parts.push(cardView(extra.card));
  if (extra.handoff) parts.push(handoffView(extra.handoff));
  if (extra.citations?.length) parts.push(list("sources", extra.citations.map((each) => chip(each.section || each.title || each.id))));
  return make("div", "bubble tria", ...parts);
}

/** What nobody asked for: of a decision, of a payment. */
const told = (message) => [make("p", "event", "Without being asked"), answer(message.reply ?? short(message), message.extra)];

function handoffView(handoff) {
  const words = [`level ${handoff.level}`, handoff.reason, handoff.deadline_text && `by ${handoff.deadline_text}`].filter(Boolean).join(", ");
  return make("p", "handoff", make("strong", "", `Passed to ${handoff.who ?? "a colleague"}, ticket ${handoff.ticket}`), make("span", "", words));
}

function cardView(card) {
  const state = [card.status, card.document_number].filter(Boolean).join(" · ");
  const lines = (card.lines ?? []).map((line) => [line.name ?? line.code, String(line.pieces), line.amount]);
  const amounts = [["Subtotal", card.subtotal], ...(card.fees ?? []).map((fee) => [fee.label, fee.amount]), [`GST ${card.gst_percent} %`, card.gst]];
  const rows = (card.rows ?? []).map(([name, value]) => [name, String(value)]);
  const delivery = card.delivery ? [card.delivery.day_text, card.delivery.window_text].filter(Boolean).join(", ") : "";
  const facts = [...amounts, ...rows, ["Total", card.total && `${card.currency ?? ""} ${card.total}`], ["Delivery", delivery], ["To", card.outlet?.name]];
  return make("div", "card",
    make("p", "title", make("strong", "", card.title ?? card.kind), chip(state, CARD_TONES[card.status])),
    lines.length ? table(["Item", "Pieces", "Amount"], lines) : null,
    pairs("", facts.filter(([, value]) => value !== null && value !== undefined && value !== "")),
    card.needs_approval ? make("p", "soft", "Waits for a colleague's yes") : null);
}

/** The left half of a turn: what was said, and what the scorers say of it. */
function conversation(turn, verdicts) {
  const parts = [said(turn)];
  if (turn.refused) parts.push(make("p", "event bad", `Refused with ${turn.refused}`));
  if (turn.error) parts.push(make("p", "event bad", turn.error));
  if (turn.reply || turn.extra?.card || turn.extra?.handoff) parts.push(answer(turn.reply, turn.extra));
  for (const message of turn.told) parts.push(...told(message));
  if (turn.is_twice_same !== null) parts.push(make("p", `event${turn.is_twice_same ? "" : " bad"}`, turn.is_twice_same ? "Sent twice, one run" : "Sent twice, two runs"));
  if (turn.other_answer !== null && turn.other_answer !== turn.reply) parts.push(make("p", "event", "Asked elsewhere"), answer(turn.other_answer));
  if (verdicts.length) parts.push(verdictView(verdicts));
  return make("div", "said", ...parts);
}

function verdictView(verdicts) {
  const failed = verdicts.filter((verdict) => !verdict.passed);
  const passed = [...new Set(verdicts.filter((verdict) => verdict.passed).map((verdict) => verdict.scorer))];
  return make("ul", "verdicts",
    ...failed.map((verdict) => make("li", "failed", make("strong", "", verdict.scorer), make("span", "", verdict.reason || "failed"))),
    ...passed.filter((name) => !failed.some((verdict) => verdict.scorer === name)).map((name) => make("li", "passed", name)));
}

"use strict";
// One case in two runs, side by side.

function pairView(pair) {
  const verdicts = pair.verdicts.map((change) => make("li", change.b === "failed" ? "failed" : "passed",
    make("strong", "", change.scorer), make("span", "", `${change.turn ? `turn ${change.turn}` : "end"}: ${change.a} → ${change.b}. ${change.reason}`)));
  const parts = [make("div", "again", command(pair.command))];
  if (verdicts.length) parts.push(make("ul", "verdicts wide", ...verdicts));
  return [...parts, ...pair.turns.map(turnPair), pair.end.length ? endPair(pair.end) : null].filter(Boolean);
}

function turnPair({ turn, said: words, a, b, changed }) {
  const label = make("h5", "", `Turn ${turn}`, make("small", "", changed.length ? `${changed.join(", ")} ${changed.length > 1 ? "differ" : "differs"}` : "the same"));
  return make("section", "turn both", label, make("div", "bubble customer", make("p", "", words)), make("div", "sides", side("A, before", a, changed), side("B, this run", b, changed)));
}

function side(title, held, changed) {
  const head = make("h6", "", title);
  if (!held) return make("div", "side", head, make("p", "soft", "It did not come so far."));
  const rows = [["Understood", held.understood.join(", "), "understood"], ["Calls", held.calls.join("\n"), "calls"], ["Card", held.card, "card"], ["Ticket", held.handoff, "handoff"], ["Failure", held.failure, "failure"]];
  const shown = rows.filter(([, value]) => value).map(([name, value, aspect]) => [name, make("span", changed.includes(aspect) ? "changed" : "", value)]);
  return make("div", "side", head, make("div", `bubble tria${changed.includes("reply") ? " changed" : ""}`, ...markup(held.reply || "No answer.")), shown.length ? pairs("", shown) : null);
}

function endPair(end) {
  const lines = (values) => make("span", "", values.join("\n") || "nothing");
  return make("section", "turn end", make("h5", "", "At the end"), table(["", "A, before", "B, this run"], end.map(({ what, a, b }) => [what, lines(a), lines(b)])));
}

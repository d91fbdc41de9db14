"use strict";
// How an answer came about: what was understood, called and found, what the gate said, and how long it took.

const CALL_TONES = { ok: "", done: "", missing: "warm", unavailable: "bad", undone: "bad" };
const EXPECT_WORDS = {
  intents: "understands", no_intents: "does not understand", wants: "wants", language: "answers in", situation: "sounds", tools: "calls", tools_forbidden: "does not call",
  facts: "states", says: "says", never_says: "never says", cites: "cites", card: "shows a card", handoff: "opens a ticket", same_answer_as: "answers as to",
  refused: "is refused with", max_seconds: "takes at most, s",
};

const given = (value) => !(value === null || value === undefined || value === false || (Array.isArray(value) && !value.length));
const block = (title, ...parts) => make("section", "block", make("h6", "", title), ...parts);

/** The right half of a turn. */
function inspection(turn, verdicts, expected) {
  const { understanding, verdict, passages = [], facts = [], tone, screened, spent = [] } = turn.state;
  const parts = [];
  if (given(expected)) parts.push(expectations(expected));
  if (understanding) parts.push(understood(understanding, screened, tone));
  const tools = toolsView(turn.calls, verdicts, expected?.tools ?? [], expected?.tools_forbidden ?? []);
  if (tools) parts.push(tools);
  if (verdict) parts.push(gate(verdict, turn.state.reply));
  if (turn.nodes.length || turn.xero.length) parts.push(trace(turn));
  if (spent.length) parts.push(block("Model", table(["Call", "Model", "In", "Out", "USD"], spent.map((s) => [s.purpose, s.model, String(s.tokens_in), String(s.tokens_out), s.usd]))));
  if (passages.length) parts.push(fold(`Passages, ${passages.length}`, () => passagesView(passages, turn.state.reply?.citations ?? [])));
  if (facts.length) parts.push(fold(`Facts, ${facts.length}`, () => facts.map((fact) => [make("p", "soft", `${fact.kind}, from ${fact.source}`), pretty(fact.data)]).flat()));
  if (Object.keys(turn.state).length) parts.push(fold("Whole state", () => pretty(turn.state)));
  return make("div", "inspection", ...parts);
}

function expectations(expected) {
  const rows = Object.entries(EXPECT_WORDS).filter(([key]) => given(expected[key])).map(([key, words]) => [words, expectedValue(expected[key])]);
  return block("Expected", rows.length ? pairs("", rows) : make("p", "soft", "No card, no ticket, and what always holds"));
}

function expectedValue(value) {
  if (Array.isArray(value)) return value.map((each) => (Array.isArray(each) ? each.join(" or ") : each?.name ? callWords(each) : short(each))).join("; ");
  if (typeof value === "object") return Object.entries(value).filter(([, each]) => given(each)).map(([key, each]) => `${key} ${short(each)}`).join(", ") || "any";
  return String(value);
}

const callWords = ({ name, args = {} }) => `${name}(${Object.entries(args).map(([key, value]) => `${key}: ${short(value)}`).join(", ")})`;

function understood(understanding, screened, tone) {
  const intents = understanding.intents.map((found) => {
    const shown = chip(`${found.name} ${found.confidence.toFixed(2)}`, "good");
    shown.title = found.part;
    return shown;
  });
  const wants = (understanding.wants ?? []).map((want) => chip(want));
  const words = [screened?.language, understanding.sentiment, understanding.is_urgent ? "urgent" : "", tone && `tone ${tone.situation}`, `by ${understanding.by}`,
    screened?.injection > 0.5 ? `attack ${screened.injection.toFixed(2)}` : "", understanding.misunderstood ? `not understood ${understanding.misunderstood} times` : ""];
  const named = understanding.entities.map((entity) => chip(`${entity.kind} ${entity.value}`));
  return block("Understood", make("p", "chips", ...intents, ...wants, ...named), make("p", "soft", words.filter(Boolean).join(" · ")));
}

function isMade(wanted, call) {
  const same = (a, b) => a === "*" || short(a).toLowerCase() === short(b).toLowerCase() || (a !== "" && Number(a) === Number(b));
  return call.name === wanted.name && Object.entries(wanted.args ?? {}).every(([key, value]) => key in call.args && same(value, call.args[key]));
}

/** Calls as they were made, with those that are missing or forbidden. */
function toolsView(calls, verdicts, wanted, forbidden) {
  const problems = verdicts.filter((verdict) => !verdict.passed && verdict.scorer === "tools");
  // What the scorer accepts is expected, however it is written.
  const isWanted = (each, call) => each.count !== 0 && (problems.length ? isMade(each, call) : each.name === call.name);
  const missing = problems.length ? wanted.filter((each) => each.count !== 0 && !calls.some((call) => isMade(each, call))) : [];
  if (!calls.length && !missing.length && !problems.length) return null;
  const made = calls.map((call) => {
    const isWrong = forbidden.includes(call.name) || wanted.some((each) => each.count === 0 && isMade(each, call));
    return make("li", isWrong ? "wrong" : "", make("code", "", callWords(call)), call.kind === "read" ? null : chip(call.kind),
      call.outcome === "ok" ? null : chip(call.outcome, CALL_TONES[call.outcome] ?? ""), isWrong ? chip("not expected", "bad") : null,
      wanted.some((each) => isWanted(each, call)) ? chip("expected", "good") : null);
  });
  const absent = missing.map((each) => make("li", "wrong", make("code", "", callWords(each)), chip("missing", "bad")));
  return block("Tools", make("ul", "calls", ...absent, ...made), ...problems.map((verdict) => make("p", "problem", verdict.reason)));
}

function gate(verdict, reply) {
  const words = [reply?.by && `worded by ${reply.by}`, verdict.tries > 1 ? `${verdict.tries} tries` : ""].filter(Boolean).join(" · ");
  return block("Gate", make("p", "chips", chip(verdict.passed ? "let out" : "held back", verdict.passed ? "good" : "bad"), make("span", "soft", words)),
    verdict.problems.length ? list("problems", verdict.problems.map(short)) : null);
}

function passagesView(passages, cited) {
  return make("ul", "passages", ...passages.map((passage) => make("li", "",
    make("p", "", make("strong", "", passage.id), cited.includes(passage.id) ? chip("cited", "good") : null, passage.score === undefined ? null : make("span", "soft", ` ${Number(passage.score).toFixed(2)}`)),
    make("p", "", passage.text))));
}

/** Nodes along the time of the turn; requests to Xero beneath, by how long each took. */
function trace({ nodes, xero, stream }) {
  const whole = Math.max(1, ...nodes.map((node) => node.started_ms + node.ms));
  const slowest = Math.max(...nodes.map((node) => node.ms));
  const rows = nodes.map((node) => bar(node.node, node.started_ms / whole, node.ms / whole, ms(node.ms), node.error ? "bad" : node.ms === slowest ? "slow" : ""));
  const requests = xero.map((call) => bar(`${call.method} ${call.path}`, 0, Math.min(1, call.ms / whole), call.status < 400 ? ms(call.ms) : `${call.status}, ${ms(call.ms)}`, call.status < 400 ? "xero" : "xero bad"));
  const times = [stream.first_text_ms !== null && `first words ${ms(stream.first_text_ms)}`, stream.total_ms && `whole answer ${ms(stream.total_ms)}`].filter(Boolean).join(" · ");
  return block("Time", make("ol", "trace", ...rows), requests.length ? make("p", "soft under", "Requests to Xero") : null, requests.length ? make("ol", "trace", ...requests) : null,
    ...nodes.filter((node) => node.error).map((node) => make("p", "problem", `${node.node}: ${node.error}`)), times ? make("p", "soft", times) : null);
}

function bar(name, from, share, words, tone) {
  const drawn = make("span", `bar ${tone}`);
  drawn.style.marginLeft = `${100 * Math.min(from, 0.995)}%`;
  drawn.style.width = `${Math.max(0.5, 100 * Math.min(share, 1 - from))}%`;
  const label = make("span", "label", name);
  label.title = name;
  return make("li", "", label, make("span", "track", drawn), make("span", "took", words));
}

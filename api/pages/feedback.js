// What customers say of an answer and of the conversation: two thumbs, and a short survey at its end.

import { callJson } from "./wire.js";

const THANKS = "Thank you.";
const FAILED = "This could not be kept. Please try again.";
const CONVERSATION = ""; // what is said of the conversation as a whole has no message

const template = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const press = (buttons, chosen) => { for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen)); };

/** `thread` tells which conversation is open. */
export function makeFeedback(thread) {
  const given = new Map();
  const drawn = new Map();
  const survey = document.getElementById("survey");
  let last = Promise.resolve();

  // One after the other, so that the last word stays the last.
  function send(key, said, line) {
    const about = thread();
    const before = given.get(key);
    given.set(key, said);
    last = last.then(() => callJson(`threads/${about}/feedback`, { body: said })).then(
      () => { line.textContent = THANKS; return true; },
      () => {
        if (given.get(key) === said) { if (before) given.set(key, before); else given.delete(key); }
        line.textContent = FAILED;
        return false;
      },
    );
    return last;
  }

  // ------------------------------------------------------------ thumbs

  /** The thumbs of one answer, the same element each time. */
  function rate({ id }) {
    if (!drawn.has(id)) drawn.set(id, thumbs(id));
    return drawn.get(id);
  }

  function thumbs(id) {
    const view = template("rate-template");
    const [up, down] = view.querySelectorAll(".thumb");
    const [form, line] = [view.querySelector("form"), view.querySelector(".told")];
    const field = form.querySelector("input");
    view.refresh = () => {
      const { score, comment = "" } = given.get(id) ?? {};
      press([up, down], { 1: up, "-1": down }[score]);
      if (form.hidden) field.value = comment; // never under the hands of whoever writes
    };
    const choose = (score) => {
      line.textContent = "";
      form.hidden = score > 0;
      const sent = send(id, { message_id: id, score, comment: score > 0 ? "" : field.value.trim() }, line);
      view.refresh();
      if (score < 0) field.focus();
      sent.then(view.refresh);
    };
    up.addEventListener("click", () => choose(1));
    down.addEventListener("click", () => choose(-1));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = field.value.trim();
      send(id, { message_id: id, score: -1, comment: words }, line).then((isKept) => {
        form.hidden = isKept;
        if (isKept) down.focus();
        else field.value = words;
      });
    });
    view.refresh();
    return view;
  }

  // ------------------------------------------------------------ the survey

  const [yes, no] = survey.querySelectorAll(".answer");
  const [more, line] = [survey.querySelector("form"), survey.querySelector(".told")];
  const marks = [...more.querySelectorAll("input[type=radio]")];
  const words = more.querySelector("textarea");

  function answer(solved) {
    line.textContent = "";
    more.hidden = false;
    send(CONVERSATION, opinion(solved), line).then(showSurvey);
    showSurvey();
  }

  function opinion(solved) {
    const mark = marks.find(({ checked }) => checked);
    return { solved, score: mark ? Number(mark.value) : null, comment: words.value.trim() };
  }

  function showSurvey() {
    const { solved } = given.get(CONVERSATION) ?? {};
    press([yes, no], { true: yes, false: no }[solved]);
    if (solved === undefined) more.hidden = true;
  }

  yes.addEventListener("click", () => answer(true));
  no.addEventListener("click", () => answer(false));
  more.addEventListener("submit", (event) => {
    event.preventDefault();
    const { solved } = given.get(CONVERSATION) ?? {};
    send(CONVERSATION, opinion(solved), line).then((isKept) => {
      more.hidden = isKept;
      if (isKept) yes.focus();
    });
  });

  // ------------------------------------------------------------ the conversation

  /** The survey is there once the customer has said thanks or goodbye, or a person has left. */
  function show(entries, busy) {
    const end = entries.at(-1);
    const isOver = end?.type === "ai" && end.phase === "done" && (end.extra.ending || end.extra.person?.event === "left");
    survey.hidden = busy || !isOver;
  }

  /** What was said before, on a page that is opened again. */
  async function load() {
    const rows = await callJson(`threads/${thread()}/feedback`).catch(() => []);
    for (const { message_id: id, ...said } of rows) given.set(id ?? CONVERSATION, said);
    const { score, comment = "" } = given.get(CONVERSATION) ?? {};
    for (const mark of marks) mark.checked = Number(mark.value) === score;
    words.value = comment;
    for (const view of drawn.values()) view.refresh();
    showSurvey();
  }

  /** Another conversation begins. */
  function forget() {
    given.clear();
    drawn.clear();
    more.reset();
    line.textContent = "";
    survey.hidden = true;
    showSurvey();
  }

  return { rate, show, load, forget };
}

"use strict";
// The list of cases: filters, keys, and opening one.

const INDEX = JSON.parse(document.getElementById("index").textContent);
const CASES = [...document.querySelectorAll(".cases .case")];
const FILTERS = document.getElementById("filters");
const SEARCH = document.getElementById("search");

function matches(entry, wanted, words) {
  return Object.entries(wanted).every(([name, value]) => !value || [entry[name]].flat().includes(value)) && words.every((word) => entry.text.includes(word));
}

function filter() {
  const { status = "", ...wanted } = Object.fromEntries(new FormData(FILTERS));
  const words = SEARCH.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  CASES.forEach((item, place) => {
    item.hidden = !matches(INDEX[place], { status, ...wanted }, words);
    shown += !item.hidden;
  });
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".case:not([hidden])");
  document.getElementById("shown").textContent = shown === CASES.length ? `${shown} cases` : `${shown} of ${CASES.length} cases`;
  document.getElementById("none").hidden = shown > 0;
}

/** Open or close a case; what it shows is drawn the first time. */
async function toggle(item, isOpen) {
  const [button, body] = [item.querySelector(".opener"), item.querySelector(".body")];
  button.setAttribute("aria-expanded", String(isOpen));
  item.classList.toggle("open", isOpen);
  body.hidden = !isOpen;
  if (!isOpen || body.children.length) return;
  const isPair = item.classList.contains("pair");
  const source = document.querySelectorAll(isPair ? ".packed-pair" : ".packed-case");
  const place = isPair ? [...document.querySelectorAll(".pair")].indexOf(item) : CASES.indexOf(item);
  body.append(make("p", "soft", "Opening…"));
  try {
    const data = await unpack(source[place].textContent);
    body.replaceChildren(...(isPair ? pairView(data) : caseView(data)));
  } catch (error) {
    body.replaceChildren(make("p", "problem", `It cannot be shown: ${error.message}`));
    throw error;
  }
}

function move(step) {
  const openers = [...document.querySelectorAll(".case:not([hidden]) .opener")].filter((opener) => opener.offsetParent);
  const current = document.activeElement.closest?.(".case")?.querySelector(".opener");
  const next = openers[openers.indexOf(current) + step] ?? (current ? null : openers[0]);
  next?.focus();
  next?.closest(".case").scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === SEARCH) {
    SEARCH.value = "";
    filter();
    SEARCH.blur();
  }
  if (event.target.closest("input[type=search], select")) return;
  const act = { "/": () => SEARCH.focus(), j: () => move(1), k: () => move(-1) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function openNamed() {
  const item = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!item?.classList.contains("case")) return;
  toggle(item, true);
  item.scrollIntoView();
}

function onClick({ target }) {
  const button = target.closest("button");
  if (!button) return;
  const item = button.closest(".case");
  if (button.classList.contains("opener")) {
    const isOpen = button.getAttribute("aria-expanded") !== "true";
    toggle(item, isOpen);
    if (item.id) history.replaceState(null, "", isOpen ? `#${encodeURIComponent(item.id)}` : location.pathname + location.search);
  } else if (button.classList.contains("copy")) copyFrom(button);
  else if (button.id === "clear") FILTERS.reset();
  else if (button.dataset.filter) {
    FILTERS.reset();
    FILTERS.elements[button.dataset.filter].value = button.dataset.value;
    filter();
    document.getElementById("cases").scrollIntoView();
    document.getElementById("cases").focus({ preventScroll: true });
  }
}

FILTERS.addEventListener("input", filter);
FILTERS.addEventListener("submit", (event) => event.preventDefault());
FILTERS.addEventListener("reset", () => setTimeout(filter));
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
window.addEventListener("hashchange", openNamed);
if (matchMedia("(max-width: 44rem)").matches) for (const part of document.querySelectorAll(".wide-only")) part.open = false;
filter();
openNamed();

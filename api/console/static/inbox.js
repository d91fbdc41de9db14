// Keys for lists of conversations, and a word about what is new. Without it the lists are links.

const RESTING = 1_500; // ms: a pointer that moved over the list lately may be about to press
const keys = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
const news = document.querySelector(".news");
const links = () => [...document.querySelectorAll("#rows .row-link")];
const idsOf = (root) => (root.getElementById?.("inbox-ids") ?? document.getElementById("inbox-ids"))?.textContent.split(/\s+/).filter(Boolean) ?? [];
let known = new Set(idsOf(document));
let rows = document.getElementById("rows");
let moved = -RESTING;

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus();
  next?.closest(".row").scrollIntoView({ block: "nearest" });
}

const find = () => { const box = document.getElementById("find"); box.focus(); box.select(); };
const inList = () => rows?.contains(document.activeElement);
const PRESSED = {
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  "/": find,
  "?": () => keys.showModal(),
  r: () => news && location.reload(), // what a search found is not asked for again
};

document.addEventListener("keydown", (event) => {
  const press = PRESSED[event.key];
  const isTyping = event.target.closest("input, textarea, select, dialog[open]");
  if (event.key === "Escape" && event.target.id === "find") return event.target.blur();
  if (!press || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  // Arrows scroll the page as everywhere, but for whoever is in the list.
  if (event.key.startsWith("Arrow") ? !inList() : !keysOn.checked && event.key !== "?") return;
  event.preventDefault();
  press();
});

// Single keys disturb whoever speaks to their machine: they can be turned off.
keysOn.checked = localStorage.getItem("tria-keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("tria-keys", keysOn.checked ? "on" : "off"));
const opener = document.querySelector(".keys-open");
opener.hidden = false;
opener.addEventListener("click", () => keys.showModal());

function watch() {
  for (const kind of ["pointermove", "pointerdown"]) rows?.addEventListener(kind, () => { moved = performance.now(); }, { passive: true });
}

function tell() {
  const ids = idsOf(document);
  const fresh = ids.filter((id) => !known.has(id));
  known = new Set([...known, ...ids]);
  const shown = new Set([...document.querySelectorAll("#rows .row")].map((row) => row.dataset.id));
  const hidden = ids.filter((id) => !shown.has(id)).length;
  if (fresh.length) document.getElementById("said").textContent = fresh.length === 1 ? "One more conversation needs a person." : `${fresh.length} more conversations need a person.`;
  if (!news) return;
  news.hidden = !hidden;
  const text = hidden === 1 ? "Show one that is new" : `Show ${hidden} that are new`;
  if (hidden && news.firstElementChild.textContent !== text) news.firstElementChild.textContent = text;
}

document.addEventListener("refreshed", (event) => {
  if (event.target.id === "rows") {
    if (performance.now() - moved < RESTING) {
      event.target.replaceWith(rows); // somebody points at a row: the next look will do
    } else {
      rows = event.target;
      for (const row of rows.querySelectorAll(".row")) if (!known.has(row.dataset.id)) row.classList.add("fresh");
      watch();
    }
  }
  // Both regions may change in one look: speak when both have.
  queueMicrotask(tell);
});
watch();

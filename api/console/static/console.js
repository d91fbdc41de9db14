// Keeps the page in step with the server: looks again every few seconds, and swaps the regions
// marked `data-live` that have changed. One that somebody works in is left alone.

const EVERY = 5_000; // ms
const PATIENCE = 15_000; // ms for one answer
const connection = document.getElementById("connection");
let timer = 0;

const regions = (root) => [...root.querySelectorAll("[data-live]")];
const isEdited = (field) => (field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked : field.tagName === "SELECT" ? [...field.options].some((option) => option.selected !== option.defaultSelected) : field.value !== field.defaultValue);
const isInUse = (region) => region.contains(document.activeElement) || [...region.querySelectorAll("textarea, select, input:not([type=hidden])")].some(isEdited) || region.contains(getSelection()?.rangeCount && !getSelection().isCollapsed ? getSelection().anchorNode : null);

// What differs in each answer by design says nothing about the region.
function essence(region) {
  const copy = region.cloneNode(true);
  for (const field of copy.querySelectorAll("input[name=once]")) field.removeAttribute("value");
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  for (const item of copy.querySelectorAll(".fresh")) item.classList.remove("fresh");
  return copy.innerHTML;
}

function keepOpen(before, after) {
  const open = [...before.querySelectorAll("details[open][id]")].map(({ id }) => id);
  for (const details of after.querySelectorAll("details[id]")) if (open.includes(details.id)) details.open = true;
}

function swap(fresh) {
  for (const region of regions(document)) {
    const other = fresh.querySelector(`[data-live="${CSS.escape(region.dataset.live)}"]`);
    if (!other || isInUse(region) || essence(region) === essence(other)) continue;
    keepOpen(region, other);
    region.replaceWith(other);
    other.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
  }
  const said = fresh.getElementById("said")?.textContent;
  if (said) document.getElementById("said").textContent = said;
}

async function look() {
  clearTimeout(timer);
  try {
    const answer = await fetch(location.href, { cache: "no-store", headers: { "X-Live": "1" }, signal: AbortSignal.timeout(PATIENCE) });
    if (answer.redirected) return location.reload(); // the sign-in has ended
    if (!answer.ok) throw new Error(String(answer.status));
    swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    connection.textContent = "";
  } catch {
    connection.textContent = "The service does not answer. Trying again ...";
  }
  schedule();
}

function schedule() {
  clearTimeout(timer);
  if (!document.hidden && regions(document).length) timer = setTimeout(look, EVERY);
}

// A second press while the first is on its way would only be refused: spare it.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "1";
  setTimeout(() => delete event.target.dataset.sent, PATIENCE);
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : regions(document).length && look()));
schedule();

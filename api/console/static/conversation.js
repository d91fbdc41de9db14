// A conversation's page: fetches the inside of a turn when it is opened, and adds turns that are new.

const turns = document.getElementById("turns");
const FAILED = "This could not be fetched. Close it and open it again.";

async function fetched(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (answer.redirected) location.reload(); // the sign-in has ended
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function fill(details) {
  const part = details.querySelector(".part");
  if (details.dataset.filled || !part) return;
  details.dataset.filled = "1";
  part.setAttribute("aria-busy", "true");
  try {
    const inside = (await fetched(details.dataset.part)).querySelector(".inside-turn");
    if (!inside) throw new Error("nothing there");
    const open = [...part.querySelectorAll("details")].map((each) => each.open);
    inside.querySelectorAll("details").forEach((each, n) => { if (n in open) each.open = open[n]; });
    part.replaceChildren(inside);
  } catch {
    delete details.dataset.filled;
    part.textContent = FAILED;
  }
  part.removeAttribute("aria-busy");
}

function again(details) {
  delete details.dataset.filled;
  if (details.open) fill(details);
}

async function addNew() {
  const fresh = await fetched(location.href).catch(() => null);
  if (!fresh) return;
  const ids = new Set([...fresh.querySelectorAll("#turns > .turn")].map((turn) => turn.id));
  const first = fresh.querySelector("#turns > .turn")?.id;
  let isLater = false; // turns before the page's first one stay: they were here already
  for (const turn of [...turns.children]) {
    isLater ||= turn.id === first;
    if (!turn.id || (isLater && !ids.has(turn.id))) turn.remove();
  }
  for (const turn of fresh.querySelectorAll("#turns > .turn")) {
    if (!document.getElementById(turn.id)) {
      turn.classList.add("fresh");
      turns.append(turn);
    }
  }
}

turns?.addEventListener("toggle", (event) => {
  if (event.target.matches("details.inside") && event.target.open) fill(event.target);
}, true);
document.addEventListener("refreshed", (event) => {
  const details = event.target.closest("details.inside");
  if (details) again(details);
  if (event.target.id === "newest") addNew();
});

// A link to one turn opens it.
const aimed = location.hash.startsWith("#turn-") && document.getElementById(location.hash.slice(1));
if (aimed) aimed.querySelector("details.inside").open = true;

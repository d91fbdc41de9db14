"use strict";
// Text of customers, of the service and of Xero enters the page as text nodes only.


function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function makeButton(className, label, onClick) {
  const button = make("button", className, label);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

const chip = (text, tone = "") => make("span", `chip ${tone}`, text);

function list(className, items) {
  return make("ul", className, ...items.map((item) => make("li", "", ...[item].flat())));
}

function pairs(className, rows) {
  return make("dl", className, ...rows.flatMap(([name, ...values]) => [make("dt", "", name), make("dd", "", ...values)]));
}

function table(heads, rows) {
  const cells = heads.map((head) => Object.assign(make("th", "", head), { scope: "col" }));
  const body = rows.map(([first, ...rest]) => make("tr", "", Object.assign(make("th", "", first), { scope: "row" }), ...rest.map((cell) => make("td", "", cell))));
  return make("div", "scroll", make("table", "", make("thead", "", make("tr", "", ...cells)), make("tbody", "", ...body)));
}

/** What is drawn only when somebody opens it. */
function fold(label, draw, isOpen = false) {
  const details = make("details", "", make("summary", "", ...[label].flat()));
  const fill = () => { if (details.open && details.children.length === 1) details.append(...[draw()].flat()); };
  details.addEventListener("toggle", fill);
  details.open = isOpen;
  fill();
  return details;
}

const pretty = (value) => make("pre", "", typeof value === "string" ? value : JSON.stringify(value, null, 2));
const short = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** A command that can be taken along. */
function command(text) {
  const button = make("button", "copy", "Copy");
  button.type = "button";
  return make("span", "command", make("code", "", text), button);
}

async function copyFrom(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

/** A value that this file carries compressed. */
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

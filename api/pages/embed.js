// The chat as a floating button on another site:
// <script src="https://<the service>/embed.js" data-title="Ask Tria" defer></script>
(() => {
  const script = document.currentScript;
  const page = new URL("./?embed=1", script.src);
  const title = script.dataset.title || "Chat with Tria";
  const STYLE = `
    :host { all: initial; color-scheme: light dark; --brand: #0e6b50; --ink: #fff; }
    button { position: fixed; z-index: 2147483000; right: max(20px, env(safe-area-inset-right)); bottom: max(20px, env(safe-area-inset-bottom));
      display: flex; align-items: center; gap: 10px; max-width: calc(100vw - 40px); min-height: 52px; padding: 0 22px 0 18px; border: 0; border-radius: 26px;
      background: var(--brand); color: var(--ink); font: 600 16px/1.2 system-ui, sans-serif; cursor: pointer; box-shadow: 0 6px 24px rgb(0 0 0 / 25%); }
    button:focus-visible { outline: 3px solid var(--brand); outline-offset: 3px; }
    svg { flex: none; width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; }
    section { position: fixed; z-index: 2147483001; right: 20px; bottom: 20px; width: min(420px, calc(100vw - 40px)); height: min(700px, calc(100dvh - 40px));
      border-radius: 18px; overflow: hidden; background: Canvas; box-shadow: 0 12px 48px rgb(0 0 0 / 30%); animation: rise .18s ease-out; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    [hidden] { display: none; }
    @media (max-width: 520px) { section { inset: 0; width: 100%; height: 100dvh; border-radius: 0; } }
    @media (prefers-color-scheme: dark) { :host { --brand: #63cda5; --ink: #07261b; } }
    @media (prefers-reduced-motion: reduce) { section { animation: none; } }
    @keyframes rise { from { opacity: 0; transform: translateY(12px); } }`;

  // A constructed sheet works under a host page's policy that forbids inline styles.
  function makeRoot() {
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    document.body.append(host);
    return root;
  }

  function makeOpener() {
    const opener = document.createElement("button");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    shape.setAttribute("d", "M5 5h14a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 19 16h-7l-4.5 4v-4H5a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 5 5Z");
    icon.append(shape);
    opener.type = "button";
    opener.setAttribute("aria-haspopup", "dialog");
    opener.setAttribute("aria-expanded", "false");
    opener.append(icon, title);
    return opener;
  }

  function makePanel() {
    const panel = document.createElement("section");
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-label", title);
    panel.hidden = true;
    return panel;
  }

  const opener = makeOpener();
  const panel = makePanel();
  const frame = document.createElement("iframe");
  frame.title = title;

  function show(isOpen) {
    if (isOpen && !frame.isConnected) {
      frame.src = page.href; // loaded on first use, so that the host page pays nothing before
      panel.append(frame);
    }
    panel.hidden = !isOpen;
    opener.hidden = isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? frame : opener).focus();
  }

  opener.addEventListener("click", () => show(true));
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) show(false); });
  addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.origin === page.origin && event.data === "tria:close") show(false);
  });
  makeRoot().append(opener, panel);
})();

// A page without a browser: React hooks run in it and talk to the service over real HTTP.
import { Window } from "happy-dom";

const window = new Window({ url: "https://chat.tria.example" });
for (const name of ["window", "document", "HTMLElement", "Node", "Element", "sessionStorage"]) {
  globalThis[name] = name === "window" ? window : window[name];
}
globalThis.navigator ??= window.navigator; // newer Nodes have one
const { cleanup, renderHook, waitFor } = await import("@testing-library/react");

export const QUESTION = "what do I owe?";
export const service = {
  apiUrl: process.env.TRIA_URL,
  defaultHeaders: { Authorization: `Bearer ${process.env.TRIA_TOKEN}` },
};
export const slowService = { ...service, apiUrl: process.env.TRIA_SLOW_URL };

/** Mount a hook; `now` is what it returned last, `until` waits for it to be as wanted. */
export function mount(useIt) {
  const { result, unmount, rerender } = renderHook(useIt);
  return {
    get now() {
      return result.current;
    },
    until: (isSo, what) =>
      waitFor(
        () => {
          if (!isSo(result.current)) throw new Error(`not yet: ${what ?? isSo}`);
        },
        { timeout: 30_000, interval: 20 },
      ),
    unmount,
    rerender,
  };
}

export const asked = (content, id = crypto.randomUUID()) => ({ id, type: "human", content });
export const kinds = (messages) => messages.map((m) => m.type ?? m.getType());
export const texts = (messages) =>
  messages.map((m) =>
    typeof m.content === "string" ? m.content : m.content.map((block) => block.text ?? "").join(""),
  );
export const isSettled = (stream) => !stream.isLoading;

/** Node ends only when nothing is open any more. */
export function leave() {
  cleanup();
  setTimeout(() => process.exit(), 200).unref();
}

// `@langchain/react`: commands, and the thread's events on channels.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { useStream } from "@langchain/react";
import { asked, isSettled, kinds, leave, mount, QUESTION, service, slowService, texts } from "./page.js";

const open = (options = {}) => mount(() => useStream({ ...service, assistantId: "tria", ...options }));

async function say(page, text) {
  const before = page.now.messages.length;
  await page.now.submit({ messages: [asked(text)] });
  await page.until((s) => isSettled(s) && s.messages.length >= before + 2);
}

after(leave);

test("a first and a second turn", async () => {
  const page = open();
  await say(page, QUESTION);
  assert.deepEqual(kinds(page.now.messages), ["human", "ai"]);
  await say(page, "and when is it due?");
  assert.deepEqual(kinds(page.now.messages), ["human", "ai", "human", "ai"]);
  assert.equal(page.now.error, undefined);
});

test("an answer is written piece by piece", async () => {
  const page = open(slowService);
  const seen = new Set();
  void page.now.submit({ messages: [asked(QUESTION)] });
  await page.until((s) => {
    if (s.messages.length === 2) seen.add(texts(s.messages)[1]);
    return s.messages.length === 2 && isSettled(s);
  });
  const pieces = [...seen];
  assert.ok(pieces.length > 1, `seen: ${pieces.length}`);
  for (const piece of pieces) assert.ok(pieces.at(-1).startsWith(piece));
});

test("a page that is opened again shows the conversation and goes on", async () => {
  const found = {};
  const page = open({ onThreadId: (id) => (found.thread = id) });
  await say(page, QUESTION);
  page.unmount();
  const other = open({ threadId: found.thread });
  await other.until((s) => s.messages.length === 2 && !s.isThreadLoading);
  await say(other, "and when is it due?");
  assert.deepEqual(kinds(other.now.messages), ["human", "ai", "human", "ai"]);
});

test("a page that is opened while an answer is written sees it to its end", async () => {
  const found = {};
  const page = open({ ...slowService, onThreadId: (id) => (found.thread = id) });
  void page.now.submit({ messages: [asked(QUESTION)] });
  await page.until((s) => s.messages.length === 2, "speaking");
  page.unmount();
  const other = open({ ...slowService, threadId: found.thread });
  await other.until((s) => s.messages.length === 2 && isSettled(s) && texts(s.messages)[1]);
});

test("stop ends the answer", async () => {
  const found = {};
  const page = open({
    ...slowService,
    onThreadId: (id) => (found.thread = id),
    onCreated: ({ runId }) => (found.run = runId),
  });
  void page.now.submit({ messages: [asked(QUESTION)] });
  await page.until((s) => s.messages.length === 2 && found.run, "speaking");
  await page.now.stop();
  await page.until(isSettled);
  const run = await page.now.client.runs.get(found.thread, found.run);
  assert.ok(["interrupted", "running"].includes(run.status), run.status);
});

test("what the service refuses is an error", async () => {
  const page = open();
  await page.now.submit({ messages: [asked("x".repeat(9000))] });
  await page.until((s) => s.error && isSettled(s));
  assert.match(String(page.now.error), /messages/);
});

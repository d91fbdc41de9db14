// What a chat page does with `useStream`, for each generation of the hook that is in use.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { asked, isSettled, kinds, leave, mount, QUESTION, service, slowService, texts } from "./page.js";

// The options of Agent Chat UI.
const SUBMITTED = {
  streamMode: ["values"],
  streamSubgraphs: true,
  streamResumable: true,
};

export function suite(useStream) {
  const open = (options = {}) =>
    mount(() => useStream({ ...service, assistantId: "tria", fetchStateHistory: true, ...options }));

  async function say(page, text, options = {}) {
    const before = page.now.messages.length;
    void page.now.submit({ messages: [asked(text)] }, { ...SUBMITTED, ...options });
    await page.until((s) => s.isLoading || s.messages.length > before, "begun");
    await page.until((s) => isSettled(s) && s.messages.length > 0, "answered");
  }

  after(leave);

  test("a first and a second turn", async () => {
    const threads = [];
    const page = open({ onThreadId: (id) => threads.push(id) });
    await say(page, QUESTION);
    assert.deepEqual(kinds(page.now.messages), ["human", "ai"]);
    await say(page, "and when is it due?");
    assert.deepEqual(kinds(page.now.messages), ["human", "ai", "human", "ai"]);
    assert.equal(threads.length, 1);
    assert.equal(page.now.error, undefined);
  });

  test("an answer is written piece by piece", async () => {
    const page = open(slowService);
    const seen = new Set();
    void page.now.submit({ messages: [asked(QUESTION)] }, SUBMITTED);
    await page.until((s) => {
      const last = s.messages.at(-1);
      if (last?.type === "ai") seen.add(texts([last])[0]);
      return s.messages.length === 2 && isSettled(s);
    });
    const pieces = [...seen];
    assert.ok(pieces.length > 1, `seen: ${pieces.length}`);
    for (const piece of pieces) assert.ok(pieces.at(-1).startsWith(piece));
  });

  test("an answer is written once more, and both stay", async () => {
    const page = open();
    await say(page, QUESTION);
    const [, answer] = page.now.messages;
    await page.until((s) => s.getMessagesMetadata(answer)?.firstSeenState?.parent_checkpoint);
    const checkpoint = page.now.getMessagesMetadata(answer).firstSeenState.parent_checkpoint;
    void page.now.submit(undefined, { ...SUBMITTED, checkpoint });
    await page.until((s) => s.isLoading, "begun");
    await page.until((s) => isSettled(s) && s.messages.length === 2 && s.messages[1].id !== answer.id);
    const again = page.now.messages[1];
    await page.until((s) => s.getMessagesMetadata(again)?.branchOptions?.length === 2);
  });

  test("a question is put otherwise, and the way back stays open", async () => {
    const page = open();
    await say(page, QUESTION);
    const [question] = page.now.messages;
    await page.until((s) => s.getMessagesMetadata(question)?.firstSeenState);
    const checkpoint = page.now.getMessagesMetadata(question).firstSeenState.parent_checkpoint;
    await say(page, "what are your delivery days?", { checkpoint });
    assert.equal(page.now.messages.length, 2);
    const edited = page.now.messages[0];
    assert.equal(texts([edited])[0], "what are your delivery days?");
    await page.until((s) => s.getMessagesMetadata(edited)?.branchOptions?.length === 2);
    const { branchOptions, branch } = page.now.getMessagesMetadata(edited);
    page.now.setBranch(branchOptions.find((option) => option !== branch));
    await page.until((s) => texts(s.messages)[0] === QUESTION, "back on the first branch");
  });

  test("a turn that was told to stop on its way goes on", async () => {
    const page = open();
    const stopping = { ...SUBMITTED, interruptBefore: ["compose_reply"] };
    void page.now.submit({ messages: [asked(QUESTION)] }, stopping);
    await page.until((s) => s.isLoading, "begun");
    await page.until((s) => isSettled(s) && s.messages.length === 1, "stopped");
    void page.now.submit(undefined, SUBMITTED);
    await page.until((s) => isSettled(s) && s.messages.length === 2, "answered");
    assert.deepEqual(kinds(page.now.messages), ["human", "ai"]);
  });

  test("stop ends the answer", async () => {
    const page = open(slowService);
    void page.now.submit({ messages: [asked(QUESTION)] }, SUBMITTED);
    await page.until((s) => s.messages.at(-1)?.type === "ai", "speaking");
    await page.now.stop();
    await page.until(isSettled);
  });

  test("what the service refuses is an error", async () => {
    const page = open();
    void page.now.submit({ messages: [asked("x".repeat(9000))] }, SUBMITTED);
    await page.until((s) => s.error && isSettled(s));
    assert.match(String(page.now.error), /422|messages/);
  });

  test("another page joins a run under way", async () => {
    const found = {};
    const page = open({
      ...slowService,
      onThreadId: (id) => (found.thread = id),
      onCreated: ({ run_id }) => (found.run = run_id),
    });
    void page.now.submit({ messages: [asked(QUESTION)] }, SUBMITTED);
    await page.until((s) => s.messages.at(-1)?.type === "ai" && found.run, "speaking");
    page.unmount();
    const other = open({ ...slowService, threadId: found.thread });
    void other.now.joinStream(found.run);
    await other.until((s) => s.isLoading, "joined");
    await other.until((s) => isSettled(s) && s.messages.length === 2);
  });
}

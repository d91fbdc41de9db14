// Every operation of the JavaScript client, against the running service.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@langchain/langgraph-sdk";

const client = new Client({
  apiUrl: process.env.TRIA_URL,
  defaultHeaders: { Authorization: `Bearer ${process.env.TRIA_TOKEN}` },
  callerOptions: { maxRetries: 0 },
});
const input = { messages: [{ role: "user", content: "what do I owe?" }] };
const MODES = ["values", "messages-tuple", "updates", "custom"];

const refusedWith = (status) => (error) => error.status === status;

async function aTurn(payload = {}) {
  const { thread_id } = await client.threads.create();
  const values = await client.runs.wait(thread_id, "tria", { input, ...payload });
  return { thread_id, values };
}

test("assistants: search, get, graph, schemas, subgraphs, versions", async () => {
  const [assistant] = await client.assistants.search({ graphId: "tria" });
  const id = assistant.assistant_id;
  assert.equal((await client.assistants.get(id)).graph_id, "tria");
  assert.ok((await client.assistants.getGraph("tria")).nodes.length > 5);
  assert.equal((await client.assistants.getSchemas("tria")).graph_id, "tria");
  assert.deepEqual(await client.assistants.getSubgraphs("tria"), {});
  assert.equal(await client.assistants.count(), 1);
  assert.equal((await client.assistants.getVersions(id)).length, 1);
});

test("threads: create, get, search, count, update, copy, delete", async () => {
  const topic = crypto.randomUUID();
  const { thread_id } = await client.threads.create({ metadata: { topic } });
  await client.threads.create({ threadId: thread_id, ifExists: "do_nothing" });
  await assert.rejects(client.threads.create({ threadId: thread_id }), refusedWith(409));
  assert.equal((await client.threads.search({ metadata: { topic } })).length, 1);
  assert.equal(await client.threads.count({ metadata: { topic } }), 1);
  await client.threads.update(thread_id, { metadata: { paid: true } });
  assert.equal((await client.threads.get(thread_id)).metadata.paid, true);
  await client.runs.wait(thread_id, "tria", { input });
  const copy = await client.threads.copy(thread_id);
  const copied = await client.threads.getState(copy.thread_id);
  assert.equal(copied.values.messages.length, 2);
  await client.threads.delete(thread_id);
  await assert.rejects(client.threads.get(thread_id), refusedWith(404));
});

test("threads: state, history, state at a checkpoint", async () => {
  const { thread_id } = await aTurn();
  await client.runs.wait(thread_id, "tria", { input });
  const state = await client.threads.getState(thread_id);
  assert.equal(state.values.messages.length, 4);
  const history = await client.threads.getHistory(thread_id, { limit: 100 });
  const first = history.find((s) => s.values.messages.length === 2 && s.next.length === 0);
  const then = await client.threads.getState(thread_id, first.checkpoint);
  assert.equal(then.values.messages.length, 2);
});

test("runs: create, list, get, join, join a stream, delete", async () => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "tria", { input, streamResumable: true });
  const values = await client.runs.join(thread_id, run.run_id);
  assert.equal(values.messages.at(-1).type, "ai");
  assert.equal((await client.runs.get(thread_id, run.run_id)).status, "success");
  assert.equal((await client.runs.list(thread_id)).length, 1);
  const events = [];
  for await (const part of client.runs.joinStream(thread_id, run.run_id, { lastEventId: "-1" })) {
    events.push(part.event);
  }
  assert.ok(events.includes("values"));
});

test("runs: a stream in every mode", async () => {
  const { thread_id } = await client.threads.create();
  const parts = [];
  const created = [];
  const options = { input, streamMode: MODES, onRunCreated: (run) => created.push(run) };
  for await (const part of client.runs.stream(thread_id, "tria", options)) parts.push(part);
  assert.deepEqual(new Set(parts.map((p) => p.event)), new Set(["metadata", "values", "messages", "updates", "custom"]));
  assert.equal(created[0].run_id, parts[0].data.run_id);
  const spoken = parts.filter((p) => p.event === "messages").map((p) => p.data[0].content);
  const answered = parts.filter((p) => p.event === "values").at(-1).data.messages.at(-1).content;
  assert.equal(spoken.join(""), answered);
});

test("runs: stateless, and many at once", async () => {
  const values = await client.runs.wait(null, "tria", { input });
  assert.equal(values.messages.length, 2);
  const events = [];
  for await (const part of client.runs.stream(null, "tria", { input })) events.push(part.event);
  assert.ok(events.includes("values"));
  const runs = await client.runs.createBatch([
    { assistantId: "tria", input },
    { assistantId: "tria", input },
  ]);
  assert.equal(runs.length, 2);
});

test("runs: a busy thread refuses or interrupts as it was asked to", async () => {
  const slow = new Client({
    apiUrl: process.env.TRIA_SLOW_URL,
    defaultHeaders: { Authorization: `Bearer ${process.env.TRIA_TOKEN}` },
    callerOptions: { maxRetries: 0 },
  });
  const { thread_id } = await slow.threads.create();
  const first = await slow.runs.create(thread_id, "tria", { input });
  const rejected = slow.runs.create(thread_id, "tria", { input, multitaskStrategy: "reject" });
  await assert.rejects(rejected, refusedWith(409));
  await slow.runs.cancel(thread_id, first.run_id, true);
  assert.equal((await slow.runs.get(thread_id, first.run_id)).status, "interrupted");
});

test("store: put, get, search, list namespaces, delete", async () => {
  const namespace = ["notes", crypto.randomUUID()];
  await client.store.putItem(namespace, "one", { text: "paper cups" });
  assert.deepEqual((await client.store.getItem(namespace, "one")).value, { text: "paper cups" });
  assert.equal((await client.store.searchItems(namespace)).items.length, 1);
  const { namespaces } = await client.store.listNamespaces({ prefix: ["notes"] });
  assert.ok(namespaces.some((found) => found[1] === namespace[1]));
  await client.store.deleteItem(namespace, "one");
  assert.equal(await client.store.getItem(namespace, "one"), null);
});

test("crons: refused in words", async () => {
  assert.deepEqual(await client.crons.search(), []);
  await assert.rejects(client.crons.create("tria", { schedule: "0 8 * * *", input }), refusedWith(501));
});

test("a stranger's thread is not there", async () => {
  const { thread_id } = await client.threads.create();
  const stranger = new Client({
    apiUrl: process.env.TRIA_URL,
    defaultHeaders: { Authorization: `Bearer ${process.env.TRIA_OTHER_TOKEN}` },
    callerOptions: { maxRetries: 0 },
  });
  await assert.rejects(stranger.threads.get(thread_id), refusedWith(404));
  await assert.rejects(stranger.threads.getState(thread_id), refusedWith(404));
});

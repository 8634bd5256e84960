// What a chat screen does with the JavaScript SDK; prints one JSON object: a result by name.
import { Client } from "@langchain/langgraph-sdk";

const client = new Client({ apiUrl: process.argv[2] });
const question = { question: "What is the population?" };
const approve = { approve: "look_up", max_turns: 1 };

async function wait(given, graph = "agentflow", thread = null) {
  const id = thread ?? (await client.threads.create()).thread_id;
  return [id, await client.runs.wait(id, graph, given)];
}

async function decided(decision) {
  const [thread, paused] = await wait({ input: question, context: approve });
  const [asked] = paused.__interrupt__[0].value.action_requests;
  const resume = { decisions: [decision] };
  const [, state] = await wait({ command: { resume } }, "agentflow", thread);
  return { asked, answer: state.answer, call: state.turns[0].calls[0] };
}

async function answers() {
  const [thread, first] = await wait({ input: question });
  const messages = [{ type: "human", content: "And the population?" }];
  const [, second] = await wait({ input: { messages }, context: { max_turns: 1 } }, "agentflow", thread);
  const types = second.messages.map((message) => message.type);
  return { first: first.answer, second: second.answer, asked: second.question, types };
}

async function streams() {
  const thread = await client.threads.create();
  const said = {}, progress = [];
  let values = {};
  const messages = [{ type: "human", content: "What is 6 * 7?" }];
  const streamMode = ["messages-tuple", "values", "custom"];
  for await (const part of client.runs.stream(thread.thread_id, "coder", { input: { messages }, streamMode })) {
    if (part.event === "messages") {
      const [message, told] = part.data;
      const who = `${told.agentflow_module ?? told.langgraph_node}|${message.id}`;
      said[who] = (said[who] ?? "") + message.content;
    } else if (part.event === "custom") progress.push(part.data);
    else if (part.event === "values") values = part.data;
  }
  const last = values.messages.at(-1);
  return { said, progress, last: { id: last.id, content: last.content }, answer: values.answer };
}

async function edits() {
  const [thread] = await wait({ input: question, context: { max_turns: 1 } });
  const history = await client.threads.getHistory(thread);
  const { checkpoint } = history.find((state) => state.next[0] === "executor");
  const values = { turns: [{ index: 1, context: "Old Harbor" }] };
  const fork = await client.threads.updateState(thread, { values, checkpoint, asNode: "planner" });
  const [, state] = await wait({ input: null, checkpoint: fork.checkpoint }, "agentflow", thread);
  return { answer: state.answer, contexts: state.turns.map((turn) => turn.context) };
}

async function refused() {
  try {
    return await wait({ input: {} });
  } catch (error) {
    return String(error);
  }
}

const edited = { name: "look_up", args: { query: "Old Harbor" } };
console.log(JSON.stringify({
  answers: await answers(),
  streams: await streams(),
  approved: await decided({ type: "approve" }),
  edited: await decided({ type: "edit", edited_action: edited }),
  rejected: await decided({ type: "reject", message: "not today" }),
  edits: await edits(),
  refused: await refused(),
}));

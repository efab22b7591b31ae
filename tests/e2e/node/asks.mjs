// Asks a gateway with the official openai SDK and prints what it was told, as one JSON object.
//
//     node asks.mjs BASE_URL KEY GROUP CALL_ID
//
// The SDK is taken from the folder in which the command runs. CALL_ID names the calls that are
// answered: CALL_ID-chat, -stream, -tools, -call, -responses.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const installed = createRequire(`${process.cwd()}/`).resolve("openai");
const { default: OpenAI, APIError } = await import(pathToFileURL(installed).href);

const [baseURL, apiKey, group, callId] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "please count for me" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};
const tools = [{ type: "function", function: { name: "weather", parameters } }];
const named = (name) => ({ headers: { "x-litellm-call-id": `${callId}-${name}` } });

const told = {};

const whole = await client.chat.completions.create({ model: group, messages }, named("chat"));
told.chat = { text: whole.choices[0].message.content, usage: whole.usage.total_tokens };

const stream = client.chat.completions.stream(
  { model: group, messages, stream_options: { include_usage: true } },
  named("stream"),
);
const last = await stream.finalChatCompletion();
told.stream = { text: last.choices[0].message.content, usage: last.usage.total_tokens };

const forced = { model: group, messages, tools, tool_choice: "required" };
const calling = await client.chat.completions.create(forced, named("tools"));
told.tools = calling.choices[0].message.tool_calls.map((call) => call.function);

const streamed = await client.chat.completions.stream(forced, named("call")).finalChatCompletion();
told.call = streamed.choices[0].message.tool_calls.map(({ function: f }) => ({
  name: f.name,
  arguments: f.arguments,
}));

const events = await client.responses.create(
  { model: group, input: "please count for me", stream: true },
  named("responses"),
);
told.responses = { text: "" };
for await (const event of events) {
  if (event.type === "response.output_text.delta") told.responses.text += event.delta;
  if (event.type === "response.completed") told.responses.usage = event.response.usage.total_tokens;
}

told.errors = {};
for (const status of [400, 401, 404, 429, 500]) {
  try {
    await client.chat.completions.create({ model: `${group}+${status}`, messages });
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    told.errors[status] = { class: error.constructor.name, status: error.status };
  }
}

for (const fault of ["cut", "short", "failing"]) {
  try {
    const failing = { model: `${group}+${fault}`, messages, stream: true };
    for await (const chunk of await client.chat.completions.create(failing)) void chunk;
    told.errors[fault] = null;
  } catch (error) {
    told.errors[fault] = error.constructor.name;
  }
}

console.log(JSON.stringify(told));

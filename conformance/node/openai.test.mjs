// OpenAI's own client for JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { DEMO, KEY, QUESTION, SLOW, THINK, TOOLS, full, health, idle } from './servers.mjs';

const dial = (base, more = {}) => new OpenAI({ baseURL: base + '/v1', apiKey: KEY, maxRetries: 0, ...more });
const client = dial(DEMO), tools = dial(TOOLS);
const messages = [{ role: 'system', content: 'You tell stories.' }, { role: 'user', content: 'Tell me one.' },
  { role: 'assistant', content: 'Once there was a king.' }, { role: 'user', content: [{ type: 'text', text: 'And then?' }] }];
const few = { model: 'demo', messages, max_tokens: 12, temperature: 0 };
const endless = { model: 'any', messages, ignore_eos: true };

test('models', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  assert.deepEqual(ids, ['demo']);
  assert.equal((await client.models.retrieve('demo')).object, 'model');
  await assert.rejects(client.models.retrieve('other'), (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found');
});

test('chat', async () => {
  const whole = await client.chat.completions.create(few);
  const { message, finish_reason } = whole.choices[0];
  assert.ok(message.content);
  assert.equal(finish_reason, 'length');
  assert.equal(whole.usage.completion_tokens, 12);
  const runner = client.chat.completions.stream({ ...few, stream_options: { include_usage: true }, logprobs: true, top_logprobs: 2 });
  const got = await runner.finalChatCompletion();
  assert.equal(got.choices[0].message.content, message.content);
  assert.equal(got.choices[0].logprobs.content.length, 12);
  const several = { ...few, temperature: 1, n: 3, seed: 7, stop: ['never'], logit_bias: { 10: -100 } };
  const [one, two] = [await client.chat.completions.create(several), await client.chat.completions.create(several)];
  assert.equal(one.choices.length, 3);
  assert.deepEqual(one.choices.map((c) => c.message.content), two.choices.map((c) => c.message.content));
});

test('reasoning', async () => {
  const whole = await dial(THINK).chat.completions.create(few);
  assert.ok(whole.choices[0].message.reasoning_content);
  let streamed = '';
  for await (const c of await dial(THINK).chat.completions.create({ ...few, stream: true })) streamed += c.choices[0].delta.reasoning_content ?? '';
  assert.equal(streamed, whole.choices[0].message.reasoning_content);
});

test('tools', async () => {
  const said = [{ role: 'user', content: QUESTION }];
  const seen = [];
  const runner = tools.chat.completions.runTools({
    model: 'any', messages: said, temperature: 0, max_tokens: 60,
    tools: [{ type: 'function', function: {
      name: 'get_weather', description: 'The weather of a city now', parse: JSON.parse,
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      function: (args) => { seen.push(args); return '21 degrees and sunny'; },
    } }],
  }, { maxChatCompletions: 1 });
  await runner.done();
  assert.deepEqual(seen[0], { city: 'Paris' });
  const second = await tools.chat.completions.create({ model: 'any', messages: runner.messages, temperature: 0, max_tokens: 60 });
  assert.match(second.choices[0].message.content, /21/);
});

test('errors', async () => {
  for (const stream of [false, true])
    await assert.rejects(client.chat.completions.create({ ...few, temperature: 3, stream }),
      (e) => e instanceof OpenAI.BadRequestError && e.param === 'temperature' && e.type === 'invalid_request_error');
  await assert.rejects(client.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content: 'word '.repeat(5000) }] }),
    (e) => e instanceof OpenAI.BadRequestError && e.code === 'context_length_exceeded' && e.param === 'messages');
  await assert.rejects(dial(DEMO, { apiKey: 'wrong' }).models.retrieve('demo'), OpenAI.AuthenticationError);
});

test('abort', async () => {
  const stream = await tools.chat.completions.create({ ...endless, stream: true });
  let n = 0;
  for await (const _ of stream) if (++n === 5) { assert.equal((await health(TOOLS)).running, 1); break; }
  await idle(TOOLS);
  const abort = new AbortController();
  const whole = tools.chat.completions.create(endless, { signal: abort.signal });
  setTimeout(() => abort.abort(), 200);
  await assert.rejects(whole, OpenAI.APIUserAbortError);
  await idle(TOOLS);
});

test('timeouts', async () => {
  await assert.rejects(dial(TOOLS, { timeout: 500 }).chat.completions.create(endless), OpenAI.APIConnectionTimeoutError);
  await idle(TOOLS);
  const began = Date.now();
  await assert.rejects(dial(SLOW, { maxRetries: 3 }).chat.completions.create(endless), (e) => e.status === 504 && e.code === 'timeout');
  assert.ok(Date.now() - began < 2500, "the server's own limit is not tried again");
  await assert.rejects(async () => { for await (const _ of await dial(SLOW).chat.completions.create({ ...endless, stream: true })); },
    (e) => e instanceof OpenAI.APIError && e.code === 'timeout');
});

test('retry', async () => {
  const leave = await full(async (signal) => { for await (const _ of await tools.chat.completions.create({ ...endless, stream: true }, { signal })); });
  await assert.rejects(tools.chat.completions.create({ ...few, max_tokens: 2 }), OpenAI.RateLimitError);
  setTimeout(leave, 1000);
  const answer = await dial(TOOLS, { maxRetries: 2 }).chat.completions.create({ ...few, max_tokens: 2 });
  assert.equal(answer.usage.completion_tokens, 2);
  await idle(TOOLS);
});

test('completions and embeddings', async () => {
  const ask = { model: 'demo', prompt: ['Once upon', 'The king'], max_tokens: 6, temperature: 0 };
  const texts = ['', ''];
  for await (const c of await client.completions.create({ ...ask, stream: true })) texts[c.choices[0].index] += c.choices[0].text;
  const whole = await client.completions.create({ ...ask, echo: true, logprobs: 1 });
  assert.deepEqual(whole.choices.map((c) => c.text), ['Once upon' + texts[0], 'The king' + texts[1]]);
  assert.equal(whole.choices[0].logprobs.tokens.join(''), whole.choices[0].text);
  const [packed, plain] = [await client.embeddings.create({ model: 'demo', input: 'The king' }),
    await client.embeddings.create({ model: 'demo', input: 'The king', encoding_format: 'float' })];
  packed.data[0].embedding.forEach((x, i) => assert.ok(Math.abs(x - plain.data[0].embedding[i]) < 1e-6));
});

// The AI SDK with its provider for servers that speak OpenAI's dialect.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, streamText, tool } from 'ai';
import { z } from 'zod';
import { DEMO, KEY, QUESTION, THINK, TOOLS, full, idle } from './servers.mjs';

const dial = (base) => createOpenAICompatible({ name: 'cllm', baseURL: base + '/v1', apiKey: KEY, includeUsage: true });
const few = { model: dial(DEMO)('demo'), instructions: 'You tell stories.', prompt: 'Tell me one.', maxOutputTokens: 12, temperature: 0, maxRetries: 0 };

async function streamed(ask) {
  const got = { text: '', reasoning: '', calls: [] };
  const result = streamText({ ...ask, onError: ({ error }) => { got.error = error; } });
  for await (const part of result.fullStream ?? result.stream) {
    if (part.type === 'text-delta') got.text += part.text;
    if (part.type === 'reasoning-delta') got.reasoning += part.text;
    if (part.type === 'tool-call') got.calls.push(part);
    if (part.type === 'finish') Object.assign(got, { reason: part.finishReason, usage: part.totalUsage });
  }
  return got;
}

test('text', async () => {
  const whole = await generateText(few);
  assert.ok(whole.text);
  assert.equal(whole.finishReason, 'length');
  assert.equal(whole.usage.outputTokens, 12);
  const s = await streamed(few);
  assert.equal(s.text, whole.text);
  assert.equal(s.usage.outputTokens, 12);
});

test('reasoning', async () => {
  const ask = { ...few, model: dial(THINK)('demo') };
  const whole = await generateText(ask);
  assert.ok(whole.reasoningText);
  assert.equal((await streamed(ask)).reasoning.trim(), whole.reasoningText.trim());
});

test('tools', async () => {
  const get_weather = tool({ description: 'The weather of a city now', inputSchema: z.object({ city: z.string() }), execute: async () => '21 degrees and sunny' });
  const ask = { model: dial(TOOLS)('any'), prompt: QUESTION, tools: { get_weather }, maxOutputTokens: 60, temperature: 0, maxRetries: 0 };
  const whole = await generateText(ask);
  for (const calls of [whole.toolCalls, (await streamed(ask)).calls]) {
    assert.equal(calls.length, 1);
    assert.equal(calls[0].toolName, 'get_weather');
    assert.deepEqual(calls[0].input, { city: 'Paris' });
  }
  const { prompt, tools, ...rest } = ask;
  const second = await generateText({ ...rest, messages: [{ role: 'user', content: prompt }, ...(whole.responseMessages ?? whole.response.messages)] });
  assert.match(second.text, /21/);
});

test('errors, aborts, retries', async () => {
  await assert.rejects(generateText({ ...few, instructions: undefined, prompt: 'word '.repeat(5000) }),
    (e) => APICallError.isInstance(e) && e.statusCode === 400 && e.responseBody.includes('context_length_exceeded'));
  const abort = new AbortController();
  const endless = { model: dial(TOOLS)('any'), prompt: 'Count.', providerOptions: { cllm: { ignore_eos: true } }, maxRetries: 0 };
  setTimeout(() => abort.abort(), 300);
  await streamed({ ...endless, abortSignal: abort.signal });
  await idle(TOOLS);
  const leave = await full((abortSignal) => streamed({ ...endless, abortSignal }));
  await assert.rejects(generateText({ ...endless, maxOutputTokens: 2 }), (e) => APICallError.isInstance(e) && e.statusCode === 429 && e.isRetryable);
  setTimeout(leave, 1000);
  assert.equal((await generateText({ ...endless, maxOutputTokens: 2, maxRetries: 2 })).usage.outputTokens, 2);
  await idle(TOOLS);
});

test('embeddings', async () => {
  const { embeddings } = await embedMany({ model: dial(DEMO).embeddingModel('demo'), values: ['The king', 'Once'] });
  assert.equal(embeddings.length, 2);
  assert.ok(embeddings[0].length > 16);
});

// The servers that scripts/conformance.sh started, and what the tests of all clients share.
import assert from 'node:assert/strict';

export const { CLLM_DEMO: DEMO, CLLM_THINK: THINK, CLLM_TOOLS: TOOLS, CLLM_SLOW: SLOW, CLLM_KEY: KEY } = process.env;
export const QUESTION = 'What is the weather in Paris?';
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const health = async (base) => (await (await fetch(base + '/health')).json()).data;

// idle waits until nothing runs: an answer that nobody reads any more has ended.
export async function idle(base) {
  for (let i = 0; ; i++) {
    const h = await health(base);
    if (h.running + h.waiting === 0) return;
    assert.ok(i < 250, `the server still runs what its client left: ${JSON.stringify(h)}`);
    await sleep(20);
  }
}

// full has open make requests until the server takes no more; the function that it returns aborts them.
export async function full(open) {
  const abort = new AbortController();
  for (const state of ['running', 'waiting']) {
    open(abort.signal).catch(() => {});
    while (!(await health(TOOLS))[state]) await sleep(20);
  }
  return () => abort.abort();
}

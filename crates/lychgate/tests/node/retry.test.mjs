// A call that was not answered is sent once more, under the same key: what has happened already
// is neither done nor counted again.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { container } from './platform.mjs';
import { CUT, json, problem, startUpstream } from './upstream.mjs';

const ADA = { user_id: '1815', email: 'ada@example.com' };
const CALL = ['ada@example.com', 'secret'];

const keysOf = ({ questions }) => questions.map(({ headers }) => headers['idempotency-key']);

const busy = (seconds) => ({
  ...problem(503, 'overloaded'),
  headers: { 'retry-after': String(seconds) },
});

// Answers in this order; the last one answers all that comes after.
function inOrder(upstream, ...answers) {
  upstream.answerQuestion = () => (answers.length > 1 ? answers.shift() : answers[0]);
}

test('every call has a key of its own, which the gateway takes', async (t) => {
  const upstream = await startUpstream(t);
  const { run } = container(upstream.configuration);
  for (let call = 0; call < 100; call += 1) await run('login', ...CALL);
  const keys = keysOf(upstream);
  assert.equal(new Set(keys).size, 100);
  for (const key of keys) assert.match(key, /^[!-~]{20,128}$/);
});

for (const [failure, answer] of Object.entries({
  'a cut connection': CUT,
  'a 503': problem(503, 'overloaded'),
  'a 503 that says when': busy(1),
})) {
  test(`after ${failure} a script asks once more, under the same key`, async (t) => {
    const upstream = await startUpstream(t);
    inOrder(upstream, answer, json(200, { user: ADA }));
    const { error, results } = await container(upstream.configuration).run('login', ...CALL);
    assert.equal(error, null);
    assert.deepEqual(results, [ADA]);
    const [first, second] = upstream.questions;
    assert.equal(upstream.questions.length, 2);
    assert.equal(first.body, second.body);
    const [one, other] = keysOf(upstream);
    assert.equal(one, other);
  });
}

test('it is sent once more, and not twice', async (t) => {
  const upstream = await startUpstream(t);
  for (const answer of [CUT, problem(503, 'overloaded')]) {
    upstream.questions.length = 0;
    inOrder(upstream, answer);
    const { error } = await container(upstream.configuration).run('login', ...CALL);
    assert.equal(error.constructor, Error);
    assert.equal(upstream.questions.length, 2);
  }
});

for (const [status, type] of [
  [401, 'invalid-token'],
  [409, 'user-exists'],
  [422, 'idempotency-key-reused'],
  [429, 'rate-limited'],
  [500, 'internal'],
  [504, 'outcome-unknown'],
]) {
  test(`a ${status} is an answer, and is not asked for again`, async (t) => {
    const upstream = await startUpstream(t);
    inOrder(upstream, problem(status, type));
    await container(upstream.configuration).run('login', ...CALL);
    assert.equal(upstream.questions.length, 1);
  });
}

test('nobody waits for a gateway that comes back too late', async (t) => {
  const upstream = await startUpstream(t);
  inOrder(upstream, busy(15));
  const { error } = await container(upstream.configuration).run('login', ...CALL);
  assert.equal(error.status, 503);
  assert.equal(upstream.questions.length, 1);
});

test('a new token goes with the same key', async (t) => {
  const upstream = await startUpstream(t);
  let now = 1_800_000_000_000;
  const { run } = container(upstream.configuration, { Date: { now: () => now } });
  await run('get_user', 'ada');
  now += 61_000;
  inOrder(upstream, problem(401, 'invalid-token'), CUT, json(200, { user: ADA }));
  const { results } = await run('login', ...CALL);
  assert.deepEqual(results, [ADA]);
  const keys = keysOf(upstream).slice(1);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
});

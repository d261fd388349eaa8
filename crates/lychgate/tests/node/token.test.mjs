// The access token: taken once, kept in `global`, taken anew in time.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { container } from './platform.mjs';
import { SECRETS, json, listen, problem, startUpstream, token } from './upstream.mjs';

const NOBODY = { error: null, result: undefined, results: [] };

// A clock that stands still until the test moves it.
function stoppedClock(now = 1_800_000_000_000) {
  return { Date: { now: () => now }, pass: (seconds) => (now += seconds * 1000) };
}

const tokensSent = ({ questions }) =>
  questions.map(({ headers }) => headers.authorization.replace('Bearer ', ''));

test('the token is asked for by client credentials, as a form', async (t) => {
  const upstream = await startUpstream(t);
  await container(upstream.configuration).run('get_user', 'ada@example.com');
  const [request] = upstream.tokenRequests;
  assert.equal(request.method, 'POST');
  assert.equal(request.path, '/oauth/token');
  assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(request.headers.authorization, undefined);
  assert.deepEqual(Object.fromEntries(request.form), {
    grant_type: 'client_credentials',
    client_id: SECRETS.CLIENT_ID,
    client_secret: SECRETS.CLIENT_SECRET,
    audience: 'urn:legacy-identity',
  });
});

test('a secret with reserved characters arrives as it is', async (t) => {
  const upstream = await startUpstream(t);
  const secret = 'a&b=c+d %/ü';
  const configuration = { ...upstream.configuration, CLIENT_SECRET: secret };
  await container(configuration).run('get_user', 'ada@example.com');
  assert.equal(upstream.tokenRequests[0].form.get('client_secret'), secret);
});

test('fifty calls at once take one token', async (t) => {
  const upstream = await startUpstream(t);
  const { run } = container(upstream.configuration);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => run('get_user', `user-${index}@example.com`)),
  );
  assert.deepEqual(answers, Array(50).fill(NOBODY));
  assert.equal(upstream.tokenRequests.length, 1);
  assert.equal(upstream.questions.length, 50);
});

test('all seven scripts of a container share one token', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerQuestion = () =>
    json(200, { user: { user_id: '1' }, verified: true, changed: true, deleted: true });
  const { run } = container(upstream.configuration);
  await run('login', 'ada', 'secret');
  await run('get_user', 'ada');
  await run('create', { email: 'ada@example.com', password: 'secret' });
  await run('verify', 'ada@example.com');
  await run('change_password', 'ada@example.com', 'new secret');
  await run('change_email', 'ada@example.com', 'countess@example.com', true);
  await run('delete', '1');
  assert.deepEqual(tokensSent(upstream), Array(7).fill('token-1'));
  assert.equal(upstream.tokenRequests.length, 1);
});

test('another container takes a token of its own', async (t) => {
  const upstream = await startUpstream(t);
  await container(upstream.configuration).run('get_user', 'ada');
  await container(upstream.configuration).run('get_user', 'ada');
  assert.deepEqual(tokensSent(upstream), ['token-1', 'token-2']);
});

for (const [setting, other] of [
  ['AUDIENCE', 'urn:another'],
  ['CLIENT_ID', 'another-client'],
]) {
  test(`connections that differ in ${setting} do not share a token`, async (t) => {
    const upstream = await startUpstream(t);
    const one = container(upstream.configuration);
    // Another connection's scripts, in the same container: `global` is shared by all of them.
    const two = container({ ...upstream.configuration, [setting]: other }, { global: one.global });
    await one.run('get_user', 'ada');
    await two.run('get_user', 'ada');
    await one.run('get_user', 'ada');
    await two.run('get_user', 'ada');
    assert.deepEqual(tokensSent(upstream), ['token-1', 'token-2', 'token-1', 'token-2']);
  });
}

test('connections of two token endpoints do not share a token', async (t) => {
  const upstream = await startUpstream(t);
  const elsewhere = await listen(t, () => token('token-from-elsewhere'));
  const one = container(upstream.configuration);
  const two = container(
    { ...upstream.configuration, TOKEN_URL: `${elsewhere}/oauth/token` },
    { global: one.global },
  );
  await one.run('get_user', 'ada');
  await two.run('get_user', 'ada');
  assert.deepEqual(tokensSent(upstream), ['token-1', 'token-from-elsewhere']);
});

test('settings that would run together in a plain key do not share a token', async (t) => {
  const upstream = await startUpstream(t);
  const left = { ...upstream.configuration, AUDIENCE: 'a', CLIENT_ID: 'b c' };
  const right = { ...upstream.configuration, AUDIENCE: 'a b', CLIENT_ID: 'c' };
  const one = container(left);
  await one.run('get_user', 'ada');
  await container(right, { global: one.global }).run('get_user', 'ada');
  assert.deepEqual(tokensSent(upstream), ['token-1', 'token-2']);
});

for (const { life, margin } of [
  { life: 86400, margin: 60 },
  { life: 3600, margin: 60 },
  { life: 100, margin: 10 },
]) {
  test(`a token of ${life} s is used until ${margin} s before it expires`, async (t) => {
    const upstream = await startUpstream(t);
    upstream.answerToken = () => token(`token-${upstream.tokenRequests.length}`, life);
    const clock = stoppedClock();
    const { run } = container(upstream.configuration, { Date: clock.Date });
    await run('get_user', 'ada');
    clock.pass(life - margin - 1);
    await run('get_user', 'ada');
    clock.pass(1);
    await run('get_user', 'ada');
    assert.deepEqual(tokensSent(upstream), ['token-1', 'token-1', 'token-2']);
  });
}

test('fifty calls that find the token expired take one new token', async (t) => {
  const upstream = await startUpstream(t);
  const clock = stoppedClock();
  const { run } = container(upstream.configuration, { Date: clock.Date });
  await run('get_user', 'ada');
  clock.pass(3600);
  await Promise.all(Array.from({ length: 50 }, () => run('get_user', 'ada')));
  assert.equal(upstream.tokenRequests.length, 2);
  assert.deepEqual(tokensSent(upstream).slice(1), Array(50).fill('token-2'));
});

test('a failed token request fails all who wait, and is not kept', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerToken = () => json(503, {});
  const { run } = container(upstream.configuration);
  const answers = await Promise.all(Array.from({ length: 50 }, () => run('get_user', 'ada')));
  for (const { error, results } of answers) {
    assert.equal(error.message, 'The token endpoint answered 503');
    assert.deepEqual(results, []);
  }
  assert.equal(upstream.questions.length, 0);

  assert.equal(upstream.tokenRequests.length, 1);

  upstream.answerToken = () => token('token-after-the-outage');
  assert.deepEqual(await run('get_user', 'ada'), NOBODY);
  assert.equal(upstream.tokenRequests.length, 2);
});

test('after a 401 one new token is taken, however many calls met it', async (t) => {
  const upstream = await startUpstream(t);
  const clock = stoppedClock();
  const { run } = container(upstream.configuration, { Date: clock.Date });
  await run('get_user', 'ada');
  clock.pass(60);
  upstream.answerQuestion = ({ headers }) =>
    headers.authorization === 'Bearer token-1'
      ? problem(401, 'invalid-token')
      : json(200, { user: null });
  const answers = await Promise.all(Array.from({ length: 50 }, () => run('get_user', 'ada')));
  assert.deepEqual(answers, Array(50).fill(NOBODY));
  assert.equal(upstream.tokenRequests.length, 2);

  await run('get_user', 'ada');
  assert.equal(tokensSent(upstream).at(-1), 'token-2', 'the new token is the one that is kept');
});

test('a second 401 is an error, not a loop', async (t) => {
  const upstream = await startUpstream(t);
  const clock = stoppedClock();
  const neverAborts = { timeout: () => new AbortController().signal };
  const { run } = container(upstream.configuration, { Date: clock.Date, AbortSignal: neverAborts });
  await run('get_user', 'ada');
  // Time flies here, so that even the new token is old when it is refused.
  upstream.answerQuestion = () => (clock.pass(61), problem(401, 'invalid-token'));
  clock.pass(60);
  const { error } = await run('get_user', 'ada');
  assert.equal(error.message, 'The gateway answered 401 (invalid-token, request 01JD-7)');
  assert.equal(upstream.tokenRequests.length, 2);
  assert.equal(upstream.questions.length, 3);
});

test('a 401 for a token younger than a minute is an error at once', async (t) => {
  const upstream = await startUpstream(t);
  const clock = stoppedClock();
  const { run } = container(upstream.configuration, { Date: clock.Date });
  await run('get_user', 'ada');
  upstream.answerQuestion = () => problem(401, 'invalid-token');
  clock.pass(59);
  const { error } = await run('get_user', 'ada');
  assert.equal(error.constructor, Error);
  assert.equal(error.message, 'The gateway answered 401 (invalid-token, request 01JD-7)');
  assert.equal(upstream.tokenRequests.length, 1);
  assert.equal(upstream.questions.length, 2);
});

test('when the new token cannot be had after a 401, that is an error', async (t) => {
  const upstream = await startUpstream(t);
  const clock = stoppedClock();
  const { run } = container(upstream.configuration, { Date: clock.Date });
  await run('get_user', 'ada');
  clock.pass(60);
  upstream.answerQuestion = () => problem(401, 'invalid-token');
  upstream.answerToken = () => json(429, { error: 'too_many_requests' });
  const { error } = await run('get_user', 'ada');
  assert.equal(error.message, 'The token endpoint answered 429');
});

test('only the token and its times are kept in `global`', async (t) => {
  const upstream = await startUpstream(t);
  const { run, global } = container(upstream.configuration);
  await run('login', 'ada@example.com', 'a password of hers');
  const kept = JSON.stringify(global);
  assert.match(kept, /token-1/);
  for (const secret of ['ada@example.com', 'a password of hers', SECRETS.CLIENT_SECRET]) {
    assert.ok(!kept.includes(secret));
  }
});

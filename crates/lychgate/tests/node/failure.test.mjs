// A gateway or a token endpoint that is busy, down or wrong: always an `Error` that names nobody,
// never a wrong password and never 'not found'.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { container } from './platform.mjs';
import {
  CUT,
  HALF_A_BODY,
  SECRETS,
  SILENCE,
  addressOfNobody,
  json,
  listen,
  problem,
  startUpstream,
  token,
} from './upstream.mjs';

const CALLS = {
  login: ['ada@example.com', 'her-password'],
  get_user: ['ada@example.com'],
  create: [{ email: 'ada@example.com', username: 'the-countess', password: 'her-password' }],
  verify: ['ada@example.com'],
  change_password: ['ada@example.com', 'her-password'],
  change_email: ['ada@example.com', 'countess@example.com', true],
  delete: ['user-1815'],
};
const NAMES_NOBODY = [
  'ada@example.com',
  'countess@example.com',
  'the-countess',
  'her-password',
  'user-1815',
  SECRETS.CLIENT_SECRET,
  'token-1',
  'http',
  '127.0.0.1',
];

// What waits for ever must be cut off; the test has no five seconds to see it.
const IMPATIENT = { AbortSignal: { timeout: () => AbortSignal.timeout(20) } };
const neverEnds = (answer) => answer === SILENCE || answer === HALF_A_BODY;

function assertPlainError({ error, results }) {
  assert.equal(error?.constructor, Error, 'an infrastructure failure is a plain Error');
  assert.deepEqual(results, []);
  for (const name of NAMES_NOBODY) {
    assert.ok(!error.message.includes(name), `the message must not hold ${name}`);
    assert.ok(!JSON.stringify(error).includes(name), `the error must not hold ${name}`);
  }
  assert.ok(!error.message.includes('\n'));
}

const html = (status) => ({ status, body: '<html>her-password ada@example.com</html>' });

const GATEWAY_FAILURES = {
  'a 400': problem(400, 'malformed-request', 'ada@example.com'),
  'a 401 for a young token': problem(401, 'invalid-token'),
  'a 403': problem(403, 'insufficient-scope'),
  'a 403 that is no problem': html(403),
  'a 404': problem(404, 'unknown-operation'),
  'a 413': problem(413, 'too-large'),
  'a 422 for a field that nobody typed': problem(422, 'invalid-field', 'the field `nickname`'),
  'a 429': problem(429, 'rate-limited'),
  'a 429 for a lockout': problem(429, 'identifier-locked'),
  'a 500': problem(500, 'internal', 'the field `email`'),
  'a 502 of a proxy': html(502),
  'a 503': problem(503, 'store-unavailable'),
  'a 504': problem(504, 'outcome-unknown'),
  'a problem of odd types': json(503, { type: ['ada@example.com'], request_id: { a: 1 } }),
  'a problem whose words are not its own': json(503, {
    type: 'ada@example.com ',
    request_id: 'ada@example.com',
  }),
  'a 204': { status: 204 },
  'an empty 200': { status: 200, body: '' },
  'a 200 that is HTML': html(200),
  'a 200 that is cut short': { status: 200, body: '{"user":nul' },
  'a 200 of null': json(200, null),
  'a 200 of a list': json(200, []),
  'a 200 without what was asked': json(200, {}),
  'a 200 of another type': json(200, { user: 'x', verified: 'x', changed: 1, deleted: null }),
  'a body that stops half-way': HALF_A_BODY,
  silence: SILENCE,
  'a cut connection': CUT,
};

for (const [failure, answer] of Object.entries(GATEWAY_FAILURES)) {
  test(`every script makes an Error of ${failure} from the gateway`, async (t) => {
    const upstream = await startUpstream(t);
    const { run, global } = container(upstream.configuration);
    await run('get_user', 'somebody'); // takes the token
    upstream.answerQuestion = () => answer;
    const environment = neverEnds(answer) ? { global, ...IMPATIENT } : { global };
    const broken = container(upstream.configuration, environment);
    for (const [name, call] of Object.entries(CALLS)) {
      assertPlainError(await broken.run(name, ...call));
    }
    assert.equal(upstream.tokenRequests.length, 1);
  });
}

test('409 is an Error to every script but create', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerQuestion = () => problem(409, 'user-exists');
  const { run } = container(upstream.configuration);
  for (const [name, call] of Object.entries(CALLS)) {
    if (name !== 'create') assertPlainError(await run(name, ...call));
  }
});

const TOKEN_FAILURES = {
  'a 400': json(400, { error: 'invalid_request' }),
  'a 401': json(401, { error: 'access_denied', error_description: 'correct-horse-battery' }),
  'a 403': json(403, { error: 'access_denied' }),
  'a 429': json(429, { error: 'too_many_requests' }),
  'a 500': json(500, {}),
  HTML: html(200),
  'a body without a token': json(200, { expires_in: 3600 }),
  'a token that is no text': json(200, { access_token: 1, expires_in: 3600 }),
  'a token that never expires': json(200, { access_token: 'token-1' }),
  'a token that has expired': token('token-1', 0),
  'a body that stops half-way': HALF_A_BODY,
  silence: SILENCE,
  'a cut connection': CUT,
};

for (const [failure, answer] of Object.entries(TOKEN_FAILURES)) {
  test(`every script makes an Error of ${failure} from the token endpoint`, async (t) => {
    const upstream = await startUpstream(t);
    upstream.answerToken = () => answer;
    const { run } = container(upstream.configuration, neverEnds(answer) ? IMPATIENT : {});
    for (const [name, call] of Object.entries(CALLS)) {
      assertPlainError(await run(name, ...call));
    }
    assert.equal(upstream.questions.length, 0, 'no question is put without a token');
    assert.equal(upstream.tokenRequests.length, 7, 'a failure is not kept');
  });
}

test('a message says what happened', async (t) => {
  const upstream = await startUpstream(t);
  const { run } = container(upstream.configuration);
  const messageFor = async (answer) => {
    upstream.answerQuestion = () => answer;
    return (await run('get_user', 'ada@example.com')).error.message;
  };
  assert.equal(
    await messageFor(problem(503, 'store-unavailable')),
    'The gateway answered 503 (store-unavailable, request 01JD-7)',
  );
  assert.equal(
    await messageFor(html(502)),
    'The gateway answered 502 (no reason given, request unknown)',
  );
  assert.match(await messageFor(CUT), /^The gateway did not answer \([A-Z_]+\)$/);
});

test('nobody listening is an Error', async (t) => {
  const upstream = await startUpstream(t);
  const GATEWAY_URL = await addressOfNobody();
  const { run } = container({ ...upstream.configuration, GATEWAY_URL });
  const outcome = await run('login', ...CALLS.login);
  assertPlainError(outcome);
  assert.equal(outcome.error.message, 'The gateway did not answer (ECONNREFUSED)');
});

for (const status of [301, 302, 307, 308]) {
  test(`a ${status} is not followed: the password goes nowhere else`, async (t) => {
    const upstream = await startUpstream(t);
    let reached = 0;
    const elsewhere = await listen(t, () => (reached++, json(200, { user: { user_id: '1' } })));
    upstream.answerQuestion = () => ({ status, headers: { location: elsewhere }, body: '' });
    assertPlainError(await container(upstream.configuration).run('login', ...CALLS.login));
    upstream.answerToken = () => ({ status, headers: { location: elsewhere }, body: '' });
    assertPlainError(await container(upstream.configuration).run('login', ...CALLS.login));
    assert.equal(reached, 0);
  });
}

test('no call may take longer than 5 s, and all of them together than 15 s', async (t) => {
  const upstream = await startUpstream(t);
  let now = 1_800_000_000_000;
  const asked = [];
  const environment = {
    Date: { now: () => now },
    AbortSignal: { timeout: (time) => (asked.push(time), new AbortController().signal) },
  };
  const { run } = container(upstream.configuration, environment);
  await run('get_user', 'ada@example.com');
  assert.deepEqual(asked, [5000, 5000]);

  // The token is an hour old; from here on every answer comes at the last moment.
  now += 3_600_000 - 60_000 - 1;
  asked.length = 0;
  upstream.answerQuestion = () => ((now += 4_999), problem(401, 'invalid-token'));
  upstream.answerToken = () => ((now += 4_999), token('token-2'));
  const { error } = await run('get_user', 'ada@example.com');
  assert.equal(error.message, 'The gateway answered 401 (invalid-token, request 01JD-7)');
  assert.deepEqual(asked, [5000, 5000, 5000]);
});

test('what is left of the 15 s is all that the last call gets', async (t) => {
  const upstream = await startUpstream(t);
  let now = 1_800_000_000_000;
  const asked = [];
  const environment = {
    Date: { now: () => now },
    AbortSignal: { timeout: (time) => (asked.push(time), new AbortController().signal) },
  };
  upstream.answerToken = () => ((now += 12_000), token('token-1'));
  await container(upstream.configuration, environment).run('get_user', 'ada@example.com');
  assert.deepEqual(asked, [5000, 3000]);

  asked.length = 0;
  upstream.answerToken = () => ((now += 60_000), token('token-1'));
  await container(upstream.configuration, environment).run('get_user', 'ada@example.com');
  assert.deepEqual(asked, [5000, 0], 'a timeout is never negative');
});

for (const name of ['GATEWAY_URL', 'TOKEN_URL', 'AUDIENCE', 'CLIENT_ID', 'CLIENT_SECRET']) {
  test(`a configuration without ${name} is an Error that says so`, async (t) => {
    const upstream = await startUpstream(t);
    const { run } = container({ ...upstream.configuration, [name]: undefined });
    for (const [script, call] of Object.entries(CALLS)) {
      const outcome = await run(script, ...call);
      assertPlainError(outcome);
      assert.equal(outcome.error.message, `The connection's configuration has no ${name}`);
    }
    assert.equal(upstream.questions.length, 0);
  });
}

for (const name of ['GATEWAY_URL', 'TOKEN_URL']) {
  for (const address of [
    'http://gateway.example',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'ftp://localhost',
    'localhost:8443',
  ]) {
    test(`nothing is sent in the clear to the ${name} ${address}`, async (t) => {
      const upstream = await startUpstream(t);
      const { run } = container({ ...upstream.configuration, [name]: address });
      const { error } = await run('login', ...CALLS.login);
      assert.equal(error.constructor, Error);
      assert.match(error.message, new RegExp(`^${name} must be an https address`));
      assert.ok(!error.message.includes(address));
      assert.equal(upstream.questions.length, 0);
    });
  }
}

test('a callback that throws is not called again', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerQuestion = () =>
    json(200, { user: { user_id: '1' }, verified: true, changed: true, deleted: true });
  const { load } = container(upstream.configuration);
  for (const [name, call] of Object.entries(CALLS)) {
    let calls = 0;
    const callback = () => {
      calls += 1;
      throw new Error('from the platform');
    };
    await assert.rejects(load(name)(...call, callback), { message: 'from the platform' });
    assert.equal(calls, 1, name);
  }
});

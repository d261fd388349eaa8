// Each of the seven scripts: what it asks the gateway, and what it tells the tenant.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ValidationError, WrongUsernameOrPasswordError, container } from './platform.mjs';
import { json, problem, startUpstream } from './upstream.mjs';

const ADA = {
  user_id: '1815',
  email: 'ada@example.com',
  email_verified: true,
  nickname: 'ada',
  user_metadata: { plan: 'analytical' },
};

// Runs one script against a gateway that gives one answer.
async function play(t, name, argumentsOfCall, answer) {
  const upstream = await startUpstream(t);
  upstream.answerQuestion = () => answer;
  const outcome = await container(upstream.configuration).run(name, ...argumentsOfCall);
  return { ...outcome, questions: upstream.questions };
}

const HAPPY = [
  {
    name: 'login',
    call: ['ada@example.com', 'secret'],
    path: '/v1/users/authenticate',
    question: { identifier: 'ada@example.com', password: 'secret' },
    answer: json(200, { user: ADA }),
    results: [ADA],
  },
  {
    name: 'get_user',
    call: ['ada'],
    path: '/v1/users/lookup',
    question: { identifier: 'ada' },
    answer: json(200, { user: ADA }),
    results: [ADA],
  },
  {
    name: 'get_user',
    call: ['nobody'],
    path: '/v1/users/lookup',
    question: { identifier: 'nobody' },
    answer: json(200, { user: null }),
    results: [],
  },
  {
    name: 'create',
    call: [{ email: 'ada@example.com', password: 'secret' }],
    path: '/v1/users/create',
    question: { email: 'ada@example.com', password: 'secret' },
    answer: json(201, { user: ADA }),
    results: [],
  },
  ...[true, false].flatMap((done) => [
    {
      name: 'verify',
      call: ['ada@example.com'],
      path: '/v1/users/verify-email',
      question: { email: 'ada@example.com' },
      answer: json(200, { verified: done }),
      results: [done],
    },
    {
      name: 'change_password',
      call: ['ada@example.com', 'new secret'],
      path: '/v1/users/change-password',
      question: { identifier: 'ada@example.com', new_password: 'new secret' },
      answer: json(200, { changed: done }),
      results: [done],
    },
    {
      name: 'change_email',
      call: ['ada@example.com', 'countess@example.com', done],
      path: '/v1/users/change-email',
      question: {
        identifier: 'ada@example.com',
        new_email: 'countess@example.com',
        email_verified: done,
      },
      answer: json(200, { changed: done }),
      results: [done],
    },
    {
      name: 'delete',
      call: ['1815'],
      path: '/v1/users/delete',
      question: { user_id: '1815' },
      answer: json(200, { deleted: done }),
      results: [],
    },
  ]),
];

for (const { name, call, path, question, answer, results } of HAPPY) {
  test(`${name} turns ${answer.body} into its result`, async (t) => {
    const outcome = await play(t, name, call, answer);
    assert.equal(outcome.error, null);
    assert.deepEqual(outcome.results, results);
    assert.equal(outcome.questions.length, 1);
    const [asked] = outcome.questions;
    assert.equal(asked.method, 'POST');
    assert.equal(asked.path, path);
    assert.equal(asked.headers['content-type'], 'application/json');
    assert.equal(asked.headers.authorization, 'Bearer token-1');
    assert.deepEqual(asked.json, question);
  });
}

test('login says a wrong password for `null`, and whose', async (t) => {
  const { error, results } = await play(t, 'login', ['ada', 'x'], json(200, { user: null }));
  assert.ok(error instanceof WrongUsernameOrPasswordError);
  assert.equal(error.userNameOrEmail, 'ada');
  assert.equal(error.message, 'Wrong username or password');
  assert.deepEqual(results, []);
});

test('a password and an identifier with any characters arrive as they were typed', async (t) => {
  const call = [' Ada"\\\n@example.com', 'pässword 🔑 "\\'];
  const { questions } = await play(t, 'login', call, json(200, { user: null }));
  assert.deepEqual(questions[0].json, { identifier: call[0], password: call[1] });
});

test('a gateway behind a path prefix, or with a trailing slash, is found', async (t) => {
  const upstream = await startUpstream(t);
  for (const [suffix, path] of [
    ['/', '/v1/users/lookup'],
    ['/legacy/', '/legacy/v1/users/lookup'],
  ]) {
    const GATEWAY_URL = upstream.configuration.GATEWAY_URL + suffix;
    await container({ ...upstream.configuration, GATEWAY_URL }).run('get_user', 'ada');
    assert.equal(upstream.questions.at(-1).path, path);
  }
});

test('create passes on the profile, and nothing that is not part of a sign-up', async (t) => {
  const signUp = {
    email: 'ada@example.com',
    username: 'ada',
    password: 'secret',
    phone_number: '+441815',
    name: 'Ada Lovelace',
    given_name: 'Ada',
    family_name: 'Lovelace',
    nickname: 'ada',
    picture: 'ada.png',
    user_metadata: { plan: 'analytical' },
    app_metadata: { roles: ['countess'] },
  };
  const user = {
    ...signUp,
    client_id: 'an-application',
    tenant: 'a-tenant',
    connection: 'legacy',
    email_verified: true,
    phone_verified: true,
    blocked: false,
    user_id: '1',
    favourite_number: 'seven',
  };
  const { questions } = await play(t, 'create', [user], json(201, { user: ADA }));
  assert.deepEqual(questions[0].json, signUp);
});

test('create leaves out what is empty', async (t) => {
  const user = {
    email: 'ada@example.com',
    password: 'secret',
    username: '',
    nickname: null,
    name: undefined,
    user_metadata: {},
    app_metadata: {},
  };
  const { questions } = await play(t, 'create', [user], json(201, { user: ADA }));
  assert.deepEqual(questions[0].json, { email: 'ada@example.com', password: 'secret' });
});

test('create says `user_exists` for 409', async (t) => {
  const call = [{ email: 'ada@example.com', password: 'secret' }];
  const { error, results } = await play(t, 'create', call, problem(409, 'user-exists'));
  assert.ok(error instanceof ValidationError);
  assert.equal(error.code, 'user_exists');
  assert.deepEqual(results, []);
});

for (const field of ['email', 'username', 'password', 'phone_number']) {
  test(`create says \`invalid_${field}\` where the user can mend it`, async (t) => {
    const detail = `the value of the field \`${field}\` is not acceptable`;
    const answer = problem(422, 'invalid-field', detail);
    const { error } = await play(t, 'create', [{ email: 'ada', password: 'x' }], answer);
    assert.ok(error instanceof ValidationError);
    assert.equal(error.code, `invalid_${field}`);
    assert.equal(error.message, `The ${field} is not acceptable`);
  });
}

for (const detail of [
  'this deployment does not take the field `user_metadata`',
  'the operation has no field `email_verified`',
  undefined,
]) {
  test(`create blames nobody for 422 with the detail ${detail}`, async (t) => {
    const answer = problem(422, 'invalid-field', detail);
    const { error } = await play(t, 'create', [{ email: 'ada', password: 'x' }], answer);
    assert.equal(error.constructor, Error);
    assert.equal(error.message, 'The gateway answered 422 (invalid-field, request 01JD-7)');
  });
}

test('a user who was created but not named is an error', async (t) => {
  const call = [{ email: 'ada@example.com', password: 'secret' }];
  const { error } = await play(t, 'create', call, json(201, { user: null }));
  assert.equal(error.constructor, Error);
});

test('change_email takes only `true` for verified', async (t) => {
  const call = ['ada@example.com', 'countess@example.com', undefined];
  const { questions } = await play(t, 'change_email', call, json(200, { changed: true }));
  assert.equal(questions[0].json.email_verified, false);
});

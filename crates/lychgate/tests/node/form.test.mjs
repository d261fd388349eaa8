// What a tenant demands of the text of a script, before it runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ACTION_SCRIPTS, ALL, RULE, source } from './platform.mjs';

const NAMES = {
  login: 'login(identifier, password, callback)',
  get_user: 'getUser(identifier, callback)',
  create: 'create(user, callback)',
  verify: 'verify(email, callback)',
  change_password: 'changePassword(email, newPassword, callback)',
  change_email: 'changeEmail(email, newEmail, verified, callback)',
  delete: 'deleteUser(id, callback)',
};

for (const name of ACTION_SCRIPTS) {
  // `return` ends at a line break, even one inside a comment: the function stands first.
  test(`${name} is one function with the recommended name, first in its text`, () => {
    assert.ok(source(`action_scripts/${name}`).startsWith(`async function ${NAMES[name]} {\n`));
  });
}

for (const path of ALL) {
  const text = source(path);

  test(`${path} is small enough for a tenant, and fully rendered`, () => {
    assert.ok(Buffer.byteLength(text) < 100_000);
    assert.doesNotMatch(text, /\{\{|\{%|\{#/);
  });

  test(`${path} holds no address, asks for no module and logs nothing`, () => {
    assert.doesNotMatch(text, /https?:\/\/|\brequire\(|console\./);
  });

  if (path.startsWith('action_scripts/') || path === RULE) {
    test(`${path} ends with its function, and calls back only as it returns`, () => {
      assert.match(text, /\n\}\s*$/);
      const [, ...body] = text.split('\n').filter((line) => !line.trim().startsWith('//'));
      const calls = body.filter((line) => line.includes('callback('));
      assert.ok(calls.length > 0);
      for (const call of calls) assert.match(call, /^ +return callback\(/);
    });
  }
}

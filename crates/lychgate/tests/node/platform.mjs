// Loads the rendered scripts the way a tenant does, and calls them the way a tenant does.
//
// The scripts are taken from the directory that LYCHGATE_SCRIPTS names; it is laid out like
// `templates/`: action_scripts/login.js, rules/…, actions/post-login/…, and so on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export class WrongUsernameOrPasswordError extends Error {
  constructor(userNameOrEmail, message) {
    super(message);
    this.userNameOrEmail = userNameOrEmail;
  }
}

export class ValidationError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class UnauthorizedError extends Error {}

export const ACTION_SCRIPTS = [
  'login',
  'get_user',
  'create',
  'verify',
  'change_password',
  'change_email',
  'delete',
];
export const RULE = 'rules/restrict_gateway_audience';
export const POST_LOGIN = 'actions/post-login/deny_gateway_audience';
export const CREDENTIALS_EXCHANGE = 'actions/credentials-exchange/restrict_gateway_clients';
export const ALL = [
  ...ACTION_SCRIPTS.map((name) => `action_scripts/${name}`),
  RULE,
  POST_LOGIN,
  CREDENTIALS_EXCHANGE,
];

export function source(path) {
  const directory = process.env.LYCHGATE_SCRIPTS;
  assert.ok(directory, 'LYCHGATE_SCRIPTS must name the directory of the rendered scripts');
  return readFileSync(join(directory, `${path}.js`), 'utf8');
}

const NO_MODULES = (name) => assert.fail(`the script requires ${name}`);

// A script is one function expression, evaluated after `return`; whatever the tenant offers it is
// a parameter around it. `environment` may put a clock of the test's own in place of `Date`.
function evaluate(path, environment) {
  const names = Object.keys(environment);
  return new Function(...names, `return ${source(path)}`)(...Object.values(environment));
}

// A container: one `global`, shared by every script that runs in it.
export function container(configuration, environment = {}) {
  const around = {
    configuration,
    global: {},
    require: NO_MODULES,
    WrongUsernameOrPasswordError,
    ValidationError,
    UnauthorizedError,
    ...environment,
  };
  const load = (name) => evaluate(`action_scripts/${name}`, around);
  return {
    global: around.global,
    load,
    run: (name, ...argumentsOfCall) => answerOf(load(name), argumentsOfCall),
    runRule: (user, context) => answerOf(evaluate(RULE, around), [user, context]),
  };
}

// The result of a script is what it gives to `callback`, which it must call exactly once.
async function answerOf(script, argumentsOfCall) {
  const answers = [];
  await script(...argumentsOfCall, (...answer) => answers.push(answer));
  assert.equal(answers.length, 1, 'the script must call back exactly once');
  const [error, ...results] = answers[0];
  return { error, result: results[0], results };
}

// Runs an action and returns the calls that it made on `api`, such as
// `{ name: 'access.deny', arguments: [reason] }`.
export async function runAction(path, event) {
  const exports = {};
  new Function('exports', 'require', source(path))(exports, NO_MODULES);
  const entries = Object.values(exports);
  assert.equal(entries.length, 1, 'an action exports the one function of its trigger');
  const calls = [];
  const api = {
    access: { deny: (...reasons) => calls.push({ name: 'access.deny', arguments: reasons }) },
  };
  await entries[0](event, api);
  return calls;
}

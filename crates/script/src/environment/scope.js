// One scope a call: its own console, timers, fetch and require, so that what it says, asks and waits for is known to be its own
// however many calls overlap. What the host enters is returned at the end.
(function (host, internal) {
  'use strict';

  const timers = new Map();
  const requests = new Map();
  let current;

  class Timeout {
    #scope;
    #run;
    #delay;
    #repeats;
    constructor(scope, run, delay, repeats) {
      this.#scope = scope;
      this.#run = run;
      this.#delay = Math.min(Math.max(Number(delay) || 0, 1), 2 ** 31 - 1);
      this.#repeats = repeats;
      this.#arm();
    }
    #arm() {
      this.id = host.startTimer(this.#scope.call, this.#delay, this.#repeats);
      timers.set(this.id, this);
    }
    fire() {
      if (!this.#repeats) timers.delete(this.id);
      enter(this.#scope, this.#run);
    }
    close() { timers.delete(this.id); host.stopTimer(this.id); return this; }
    refresh() { this.close(); this.#arm(); return this; }
    ref() { host.holdTimer(this.id, true); return this; }
    unref() { host.holdTimer(this.id, false); return this; }
    hasRef() { return timers.has(this.id); }
    [Symbol.toPrimitive]() { return this.id; }
  }

  // Runs code of a call; what it throws ends the call, as an uncaught exception would.
  function enter(scope, code) {
    current = scope;
    try { code(); } catch (error) { host.fail(scope.call, error); }
  }

  function makeConsole(call) {
    const say = (level) => (...values) => host.log(call, level, internal.format(...values).toWellFormed());
    const counts = new Map();
    const starts = new Map();
    const console = { log: say('info'), info: say('info'), warn: say('warn'), error: say('error'), debug: say('debug'), trace: say('debug'), dir: say('info'), table: say('info') };
    console.assert = (holds, ...values) => { if (!holds) console.error('Assertion failed', ...values); };
    console.count = (label = 'default') => { counts.set(label, (counts.get(label) ?? 0) + 1); console.log(`${label}: ${counts.get(label)}`); };
    console.time = (label = 'default') => { starts.set(label, Date.now()); };
    console.timeEnd = (label = 'default') => { console.log(`${label}: ${Date.now() - starts.get(label)}ms`); };
    console.group = console.log;
    console.groupEnd = () => {};
    return console;
  }

  function makeRequest(scope) {
    return ({ body, signal, ...request }) => new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const id = host.request(scope.call, JSON.stringify(request), body && new Uint8Array(body));
      const abort = () => { if (requests.delete(id)) { host.abort(id); reject(signal.reason); } };
      signal?.addEventListener('abort', abort);
      const settled = () => signal?.removeEventListener('abort', abort);
      requests.set(id, { scope, resolve(answer) { settled(); resolve(answer); }, reject(error) { settled(); reject(error); } });
    });
  }

  function makeRequire(scope) {
    const loaded = new Map();
    return function require(wanted) {
      const [, name, version] = /^(?:node:)?(@?[^@]+)(?:@(.+))?$/.exec(String(wanted)) ?? [];
      const make = Object.hasOwn(internal.modules, name ?? '') ? internal.modules[name] : undefined;
      if (!make) {
        const error = new Error(`Cannot find module '${wanted}'; there are ${Object.keys(internal.modules).sort().join(', ')}`);
        error.code = 'MODULE_NOT_FOUND';
        throw error;
      }
      if (version) host.note(scope.call, `require('${wanted}'): the version is ignored, ${name} is the container's own`);
      if (!loaded.has(name)) loaded.set(name, make(scope));
      return loaded.get(name);
    };
  }

  function makeScope(call) {
    const scope = { call };
    const timer = (repeats) => (run, delay, ...values) => {
      if (typeof run !== 'function') throw new TypeError('The "callback" argument must be of type function');
      return new Timeout(scope, () => run(...values), delay, repeats);
    };
    scope.setTimeout = timer(false);
    scope.setInterval = timer(true);
    scope.setImmediate = (run, ...values) => scope.setTimeout(run, 0, ...values);
    scope.run = (code) => enter(scope, code);
    scope.console = makeConsole(call);
    scope.request = makeRequest(scope);
    scope.fetch = internal.fetch(scope);
    scope.require = makeRequire(scope);
    return scope;
  }

  const stop = (timeout) => { (timeout instanceof Timeout ? timeout : timers.get(Number(timeout)))?.close(); };
  internal.current = () => current;
  internal.define({ clearTimeout: stop, clearInterval: stop, clearImmediate: stop });
  // Code that asks `global` for these gets those of the call that was entered last.
  for (const name of ['console', 'fetch', 'require', 'setTimeout', 'setInterval', 'setImmediate']) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get: () => current[name],
      set: (value) => Object.defineProperty(globalThis, name, { configurable: true, writable: true, value }),
    });
  }

  function begin(call, wrapper, run) {
    const scope = makeScope(call);
    enter(scope, () => {
      const { require, console, fetch, setTimeout, setInterval, setImmediate } = scope;
      const module = { exports: {} };
      const own = wrapper.call(module.exports, require, console, fetch, setTimeout, setInterval, setImmediate, module, module.exports);
      run(own, module.exports);
    });
  }

  // The promise of an async function is no result; that it was rejected is one.
  function afterwards(call, value, settled) {
    if (typeof value?.then !== 'function') return settled(value);
    Promise.resolve(value).then(settled, (error) => host.fail(call, error));
  }

  return {
    callFunction(call, wrapper, json) {
      begin(call, wrapper, (script) => {
        const callback = (error, ...values) => host.callback(call, Boolean(error), error, values);
        afterwards(call, script(...JSON.parse(json), callback), () => host.returned(call));
      });
    },

    callAction(call, wrapper, name, eventJson, secretsJson, methods) {
      begin(call, wrapper, (nothing, exports) => {
        if (typeof exports[name] !== 'function') return host.missing(call, name);
        const event = Object.assign(JSON.parse(eventJson), { secrets: Object.freeze(JSON.parse(secretsJson)) });
        afterwards(call, exports[name](event, internal.api(call, JSON.parse(methods))), () => host.finish(call));
      });
    },

    fire(id) { timers.get(id)?.fire(); },

    settle(id, trouble, head, body) {
      const request = requests.get(id);
      if (!request) return;
      requests.delete(id);
      current = request.scope;
      if (trouble) request.reject(Object.assign(new Error(trouble.message), { code: trouble.code }));
      else request.resolve({ ...JSON.parse(head), body });
    },
  };
});

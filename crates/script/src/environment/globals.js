// What is left of Node's globals, and the tool that the other files define theirs with.
(function (host, internal) {
  'use strict';

  internal.modules = Object.create(null);
  internal.define = (values) => {
    for (const [name, value] of Object.entries(values)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };

  // Bytes cross to the host as text with one character a byte: the host then never looks into memory that a script may change.
  function binary(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return text;
  }
  for (const name of ['encode', 'digest', 'hmac', 'pbkdf2', 'timingSafeEqual', 'sign', 'request']) {
    const primitive = host[name];
    host[name] = (...values) => primitive(...values.map((value) => (value instanceof Uint8Array ? binary(value) : value)));
  }

  const process = {
    // The platform's Node, which scripts are written for; there is no Node here.
    version: 'v22.0.0',
    versions: Object.freeze({ node: '22.0.0' }),
    platform: 'linux',
    env: {},
    argv: [],
    nextTick: (run, ...values) => queueMicrotask(() => run(...values)),
    emitWarning: () => {},
  };
  internal.define({ global: globalThis, process });

  Object.defineProperty(globalThis, 'configuration', {
    value: Object.freeze(JSON.parse(host.configuration)),
    writable: false,
    configurable: false,
    enumerable: false,
  });
});

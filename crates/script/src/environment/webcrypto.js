// WebCrypto, as far as a proof of possession takes it: P-256 keys that sign and never leave, and digests. All of it is done
// by the host. What is not here is refused as `NotSupportedError`, as the standard has it.
(function (host, internal) {
  'use strict';

  const { Buffer, bytesOf, DOMException } = internal;
  // What a key is made of; nothing but the functions below looks in here.
  const material = new WeakMap();
  const digests = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
  const maker = Symbol('maker');

  class CryptoKey {
    constructor(only, properties, content) {
      if (only !== maker) throw new TypeError('Illegal constructor');
      Object.assign(this, properties);
      Object.freeze(this);
      material.set(this, content);
    }
    get [Symbol.toStringTag]() { return 'CryptoKey'; }
  }

  const nameOf = (algorithm) => String(algorithm?.name ?? algorithm).toUpperCase();
  const unsupported = (what) => new DOMException(`${what} is not supported here`, 'NotSupportedError');
  const bufferOf = (bytes) => Uint8Array.from(bytes).buffer;

  function materialOf(key) {
    const content = material.get(key);
    if (!content) throw new TypeError('expected a CryptoKey');
    return content;
  }

  function digestOf(algorithm) {
    const name = nameOf(algorithm);
    if (!Object.hasOwn(digests, name)) throw unsupported(`the digest ${name}`);
    return digests[name];
  }

  const subtle = {
    async generateKey(algorithm, extractable, usages) {
      if (nameOf(algorithm) !== 'ECDSA' || algorithm.namedCurve !== 'P-256') throw unsupported('any key but ECDSA with P-256');
      if (![...usages].every((usage) => usage === 'sign' || usage === 'verify') || ![...usages].includes('sign')) {
        throw new DOMException('the usages are sign and, if need be, verify', 'SyntaxError');
      }
      const { point, pkcs8 } = host.generateKey();
      const kind = { algorithm: Object.freeze({ name: 'ECDSA', namedCurve: 'P-256' }) };
      const key = (type, mayLeave, uses) => new CryptoKey(maker, { type, extractable: mayLeave, ...kind, usages: Object.freeze(uses) }, type === 'public' ? { point } : { pkcs8 });
      return { privateKey: key('private', Boolean(extractable), ['sign']), publicKey: key('public', true, usages.includes('verify') ? ['verify'] : []) };
    },

    async exportKey(format, key) {
      const { point } = materialOf(key);
      if (!point && !key.extractable) throw new DOMException('the key is not extractable', 'InvalidAccessError');
      if (format !== 'jwk' || !point) throw unsupported('any export but that of a public key as jwk');
      const coordinate = (from) => Buffer.from(point.subarray(from, from + 32)).toString('base64url');
      return { key_ops: [...key.usages], ext: true, kty: 'EC', x: coordinate(1), y: coordinate(33), crv: 'P-256' };
    },

    async sign(algorithm, key, data) {
      if (nameOf(algorithm) !== 'ECDSA' || digestOf(algorithm.hash) !== 'sha256') throw unsupported('any signature but ECDSA with SHA-256');
      const { pkcs8 } = materialOf(key);
      if (!pkcs8) throw new DOMException('the key is not one that signs', 'InvalidAccessError');
      return bufferOf(host.sign(pkcs8, bytesOf(data)));
    },

    async digest(algorithm, data) {
      return bufferOf(host.digest(digestOf(algorithm), bytesOf(data)));
    },
  };

  function getRandomValues(view) {
    if (!ArrayBuffer.isView(view) || view instanceof DataView) throw new TypeError('expected a typed array of integers');
    if (view.byteLength > 65536) throw new DOMException('at most 65536 random bytes are given at once', 'QuotaExceededError');
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(host.randomBytes(view.byteLength));
    return view;
  }

  function randomUUID() {
    const bytes = Buffer.from(host.randomBytes(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  internal.webcrypto = Object.freeze({ subtle: Object.freeze(subtle), getRandomValues, randomUUID });
  internal.define({ crypto: internal.webcrypto, CryptoKey });
});

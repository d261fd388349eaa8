// `require('crypto')`: random bytes, digests, HMAC, PBKDF2 and a little WebCrypto, all done by the host. No ciphers.
(function (host, internal) {
  'use strict';

  const { Buffer } = internal;
  const digests = ['sha1', 'sha256', 'sha384', 'sha512'];

  function digestOf(name) {
    const digest = String(name).toLowerCase().replace('-', '');
    if (!digests.includes(digest)) throw new Error(`Digest method not supported: ${name}; supported are ${digests.join(', ')}`);
    return digest;
  }

  function bytesOf(value, encoding) {
    return typeof value === 'string' ? Buffer.from(value, encoding) : internal.bytesOf(value);
  }

  // What createHash and createHmac have in common: parts first, the digest once.
  class Digest {
    #parts = [];
    #finish;
    #done = false;

    constructor(finish) { this.#finish = finish; }
    update(data, encoding) {
      if (this.#done) throw new Error('Digest already called');
      this.#parts.push(Buffer.from(bytesOf(data, encoding)));
      return this;
    }
    digest(encoding) {
      if (this.#done) throw new Error('Digest already called');
      this.#done = true;
      const bytes = internal.wrap(this.#finish(Buffer.concat(this.#parts)));
      return encoding && encoding !== 'buffer' ? bytes.toString(encoding) : bytes;
    }
  }

  function pbkdf2Sync(password, salt, iterations, length, digest) {
    return internal.wrap(host.pbkdf2(digestOf(digest), bytesOf(password), bytesOf(salt), iterations, length));
  }

  internal.modules.crypto = (scope) => {
    // Work is done at once; only the answer comes later, as a callback expects it.
    const later = (work, callback) => {
      let error = null;
      let value;
      try { value = work(); } catch (thrown) { error = thrown; }
      scope.setTimeout(() => callback(error, value), 0);
    };
    const randomBytes = (size, callback) => {
      const make = () => internal.wrap(host.randomBytes(size));
      return callback ? later(make, callback) : make();
    };
    const randomInt = (low, high) => {
      if (high === undefined) [low, high] = [0, low];
      const range = high - low;
      if (!(range > 0 && range <= 2 ** 32)) throw new RangeError('The range must be from 1 to 2^32');
      // Values above the last whole multiple of the range would favour the small ones.
      const limit = 2 ** 32 - (2 ** 32 % range);
      let value;
      do value = Buffer.from(host.randomBytes(4)).readUInt32BE(); while (value >= limit);
      return low + (value % range);
    };
    return {
      randomBytes,
      randomInt,
      randomUUID: internal.webcrypto.randomUUID,
      webcrypto: internal.webcrypto,
      createHash: (digest) => new Digest(host.digest.bind(null, digestOf(digest))),
      createHmac: (digest, key) => {
        const bytes = Buffer.from(bytesOf(key));
        return new Digest(host.hmac.bind(null, digestOf(digest), bytes));
      },
      timingSafeEqual: (one, other) => {
        const [left, right] = [internal.bytesOf(one), internal.bytesOf(other)];
        if (left.length !== right.length) throw new RangeError('Input buffers must have the same byte length');
        return host.timingSafeEqual(left, right);
      },
      pbkdf2Sync,
      pbkdf2: (password, salt, iterations, length, digest, callback) => later(() => pbkdf2Sync(password, salt, iterations, length, digest), callback),
      getHashes: () => [...digests],
    };
  };
});

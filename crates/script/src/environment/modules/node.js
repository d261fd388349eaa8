// The small modules: `buffer`, `url`, `util`, `querystring`.
(function (host, internal) {
  'use strict';

  internal.modules.buffer = () => ({ Buffer: internal.Buffer, atob, btoa });

  internal.modules.url = () => ({
    URL,
    URLSearchParams,
    parse(text, withQuery) {
      const address = new URL(text);
      const { href, protocol, host: where, hostname, port, pathname, search, hash } = address;
      const query = withQuery ? Object.fromEntries(address.searchParams) : search.slice(1) || null;
      const auth = address.username ? `${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}` : null;
      return { href, protocol, slashes: true, auth, host: where, hostname, port: port || null, pathname, search: search || null, query, hash: hash || null, path: pathname + search };
    },
    format: (address) => String(address.href ?? address),
    resolve: (from, to) => new URL(to, from).href,
  });

  function promisify(original) {
    if (typeof original !== 'function') throw new TypeError('The "original" argument must be of type function');
    return function (...values) {
      return new Promise((resolve, reject) => {
        original.call(this, ...values, (error, value) => (error ? reject(error) : resolve(value)));
      });
    };
  }

  function callbackify(original) {
    return function (...values) {
      const callback = values.pop();
      original.apply(this, values).then((value) => queueMicrotask(() => callback(null, value)), (error) => queueMicrotask(() => callback(error)));
    };
  }

  internal.modules.util = () => ({
    promisify,
    callbackify,
    inspect: internal.inspect,
    format: internal.format,
    inherits(child, parent) { Object.setPrototypeOf(child.prototype, parent.prototype); },
    isDeepStrictEqual: (one, other) => internal.inspect(one) === internal.inspect(other),
    TextEncoder,
    TextDecoder,
  });

  const escape = (text) => encodeURIComponent(String(text).toWellFormed());
  const unescape = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

  internal.modules.querystring = () => {
    const stringify = (values, separator = '&', equals = '=') =>
      Object.entries(values ?? {})
        .flatMap(([name, value]) => [value].flat().map((item) => `${escape(name)}${equals}${escape(item ?? '')}`))
        .join(separator);
    const parse = (text, separator = '&', equals = '=') => {
      const values = Object.create(null);
      for (const part of String(text).split(separator).filter(Boolean)) {
        const [name, ...rest] = part.replaceAll('+', ' ').split(equals);
        const [key, value] = [unescape(name), unescape(rest.join(equals))];
        values[key] = key in values ? [values[key], value].flat() : value;
      }
      return values;
    };
    return { stringify, parse, encode: stringify, decode: parse, escape, unescape };
  };
});

// The `api` of an action: it records what was asked, and refuses by name what it does not have.
(function (host, internal) {
  'use strict';

  // Promises and formatters look for these on everything; they are no slips of the author.
  const harmless = (key) => typeof key === 'symbol' || key === 'then' || key === 'toJSON' || key === 'constructor';

  function absent(path, known) {
    return new TypeError(`api.${path} does not exist here; there are ${known.map((name) => `api.${name}`).join(', ')}`);
  }

  function method(call, api, { name, arguments: counts, codes }) {
    return (...values) => {
      if (!counts.includes(values.length)) {
        throw new TypeError(`api.${name} takes ${counts.join(' or ')} argument(s) here, not ${values.length}`);
      }
      if (codes.length > 0 && !codes.includes(values[0])) {
        throw new TypeError(`api.${name}: the code is one of ${codes.join(', ')}`);
      }
      host.record(call, name, values);
      return api;
    };
  }

  internal.api = (call, methods) => {
    const known = methods.map((one) => one.name);
    const families = Object.create(null);
    const api = new Proxy(families, {
      get(target, family) {
        if (family in target || harmless(family)) return target[family];
        return new Proxy({}, { get: (nothing, key) => { if (!harmless(key)) throw absent(`${family}.${key}`, known); } });
      },
    });
    for (const one of methods) {
      const [family, name] = one.name.split('.');
      families[family] ??= new Proxy(Object.create(null), {
        get(target, key) {
          if (key in target || harmless(key)) return target[key];
          throw absent(`${family}.${key}`, known);
        },
      });
      families[family][name] = method(call, api, one);
    }
    return api;
  };
});

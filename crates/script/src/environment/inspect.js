// Values as text, for `console` and `util.format`: like Node's `util.inspect`, without its colours and line breaks.
(function (host, internal) {
  'use strict';

  const depthLimit = 2;
  const itemLimit = 100;

  function inspect(value, depth = 0, above = []) {
    if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function') return `[Function: ${value.name || '(anonymous)'}]`;
    if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
    if (above.includes(value)) return '[Circular]';
    return object(value, depth, above.concat([value]));
  }

  function object(value, depth, above) {
    if (value instanceof Error) return error(value);
    if (value instanceof Date) return isNaN(value) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return 'Promise {}';
    if (depth > depthLimit) return Array.isArray(value) ? '[Array]' : '[Object]';
    const nested = (item) => inspect(item, depth + 1, above);
    if (ArrayBuffer.isView(value)) return `<${value.constructor.name} of ${value.byteLength} bytes>`;
    if (Array.isArray(value)) return list('[', value.slice(0, itemLimit).map(nested), value.length, ']');
    if (value instanceof Map) {
      const entries = Array.from(value).slice(0, itemLimit);
      return 'Map ' + list('{', entries.map(([key, item]) => `${nested(key)} => ${nested(item)}`), value.size, '}');
    }
    if (value instanceof Set) return 'Set ' + list('{', Array.from(value).slice(0, itemLimit).map(nested), value.size, '}');
    const keys = Object.keys(value);
    const named = keys.slice(0, itemLimit).map((key) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : inspect(key)}: ${nested(value[key])}`);
    const kind = value.constructor && value.constructor !== Object ? `${value.constructor.name} ` : '';
    return kind + list('{', named, keys.length, '}');
  }

  function list(open, items, count, close) {
    if (count > items.length) items.push(`… ${count - items.length} more`);
    if (items.length === 0) return open + close;
    return open === '[' ? `[ ${items.join(', ')} ]` : `{ ${items.join(', ')} }`;
  }

  function error(value) {
    const head = `${value.name}: ${value.message}`;
    return value.stack ? `${head}\n${String(value.stack).trimEnd()}` : head;
  }

  // `console.log('%s is %d', …)`: https://console.spec.whatwg.org/#formatter
  function format(...values) {
    let text = '';
    if (typeof values[0] === 'string') {
      text = values.shift().replace(/%[sdifjoOc%]/g, (mark) => {
        if (mark === '%%') return '%';
        if (values.length === 0) return mark;
        const value = values.shift();
        switch (mark) {
          case '%s': return typeof value === 'string' ? value : inspect(value, 1);
          case '%d': return String(Number(value));
          case '%i': return String(parseInt(value, 10));
          case '%f': return String(parseFloat(value));
          case '%j': return JSON.stringify(value);
          case '%c': return '';
          default: return inspect(value);
        }
      });
      if (values.length > 0) text += ' ';
    }
    return text + values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ');
  }

  internal.inspect = (value) => inspect(value);
  internal.format = format;
});

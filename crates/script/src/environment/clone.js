// structuredClone of plain data: what JSON has, and Date, Map, Set, RegExp, Error, bytes and cycles.
(function (host, internal) {
  'use strict';

  function clone(value, seen) {
    if (typeof value === 'function' || typeof value === 'symbol') {
      throw new internal.DOMException(`${String(value)} could not be cloned.`, 'DataCloneError');
    }
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const [copy, fill] = shape(value);
    seen.set(value, copy);
    fill(copy, (item) => clone(item, seen));
    return copy;
  }

  function shape(value) {
    const nothing = () => {};
    if (value instanceof Date) return [new Date(value), nothing];
    if (value instanceof RegExp) return [new RegExp(value), nothing];
    if (value instanceof ArrayBuffer) return [value.slice(0), nothing];
    if (value instanceof Uint8Array) return [new Uint8Array(value), nothing];
    if (ArrayBuffer.isView(value)) return [new value.constructor(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength)), nothing];
    if (value instanceof Error) return [Object.assign(new Error(value.message), { name: value.name }), nothing];
    if (value instanceof Map) return [new Map(), (copy, each) => value.forEach((item, key) => copy.set(each(key), each(item)))];
    if (value instanceof Set) return [new Set(), (copy, each) => value.forEach((item) => copy.add(each(item)))];
    if (value instanceof Promise || value instanceof WeakMap) {
      throw new internal.DOMException(`${value.constructor.name} could not be cloned.`, 'DataCloneError');
    }
    return [Array.isArray(value) ? [] : {}, (copy, each) => Object.keys(value).forEach((key) => { copy[key] = each(value[key]); })];
  }

  internal.define({ structuredClone: (value) => clone(value, new Map()) });
});

//! Node's globals, compared with what Node 22 answers.

use serde_json::json;

use crate::{run, value_of};

/// Each expression is worth what Node 22 says it is.
async fn expressions(cases: &[(&str, serde_json::Value)]) {
    for (expression, expected) in cases {
        assert_eq!(
            value_of(&format!("callback(null, {expression})")).await,
            *expected,
            "{expression}"
        );
    }
}

#[tokio::test]
async fn the_host_is_not_there() {
    expressions(&[
        ("Object.keys(process.env)", json!([])),
        ("process.version.startsWith('v22.')", json!(true)),
        (
            "[typeof process.exit, typeof process.binding, typeof process.mainModule]",
            json!(["undefined", "undefined", "undefined"]),
        ),
        (
            "[typeof Deno, typeof std, typeof os, typeof bjson, typeof WebAssembly]",
            json!([
                "undefined",
                "undefined",
                "undefined",
                "undefined",
                "undefined"
            ]),
        ),
        ("typeof host + typeof internal", json!("undefinedundefined")),
        ("eval('1 + 1') + new Function('return 2')()", json!(4)),
        ("global === globalThis", json!(true)),
    ])
    .await;
    for module in [
        "fs",
        "child_process",
        "net",
        "os",
        "vm",
        "worker_threads",
        "constructor",
        "__proto__",
        "../fs",
        "",
    ] {
        let run = run(
            "function f(name, callback) { require(name); callback(null); }",
            vec![json!(module)],
        )
        .await;
        let text = crate::message(run.outcome.unwrap_err());
        assert!(
            text.contains("Cannot find module") && text.contains("axios, buffer, crypto"),
            "{module}: {text}"
        );
    }
}

#[tokio::test]
async fn a_dynamic_import_finds_nothing() {
    let body = "try { await import('fs'); callback(null, 'loaded'); } catch (error) { callback(null, 'refused'); }";
    assert_eq!(value_of(body).await, json!("refused"));
}

#[tokio::test]
async fn buffer_knows_its_encodings() {
    expressions(&[
        ("Buffer.from('héllo').toString('base64')", json!("aMOpbGxv")),
        ("Buffer.from('aMOpbGxv', 'base64').toString()", json!("héllo")),
        ("Buffer.from('héllo', 'ucs2').toString('hex')", json!("6800e9006c006c006f00")),
        ("Buffer.from('ff00', 'hex').toString('latin1')", json!("\u{ff}\u{0}")),
        ("Buffer.from('é', 'binary').length", json!(1)),
        ("Buffer.from([1, 2, 257]).toJSON()", json!({ "type": "Buffer", "data": [1, 2, 1] })),
        ("Buffer.concat([Buffer.from('a'), Buffer.from('bc')]).toString()", json!("abc")),
        ("Buffer.concat([Buffer.from('abc'), Buffer.from('d')], 2).toString()", json!("ab")),
        ("Buffer.byteLength('héllo')", json!(6)),
        ("Buffer.alloc(3, 'ab').toString()", json!("aba")),
        ("Buffer.from('abc').equals(Buffer.from('abc'))", json!(true)),
        ("Buffer.isBuffer(Buffer.from('a').slice(0)) && Buffer.isBuffer(Buffer.from('a')) && !Buffer.isBuffer(new Uint8Array(1))", json!(true)),
        ("(() => { const b = Buffer.from('abc'); b.slice(1)[0] = 120; return b.toString(); })()", json!("axc")),
        ("(() => { const b = Buffer.alloc(4); b.writeUInt32BE(0xdeadbeef); return [b.readUInt32BE(0), b.readUInt16LE(2)]; })()", json!([0xdead_beef_u32, 0xefbe])),
        ("Buffer.from('abcabc').indexOf('ca')", json!(2)),
        ("Buffer.from('abc').toString('utf8', 1, 2)", json!("b")),
        ("Buffer.from('abc').subarray(-1).toString()", json!("c")),
        ("[Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.from('b').compare(Buffer.from('a'))]", json!([-1, 1])),
        ("(() => { const b = Buffer.alloc(5); return [b.write('héé'), b.toString('hex')]; })()", json!([5, "68c3a9c3a9"])),
        ("[...Buffer.from('ab').entries()]", json!([[0, 97], [1, 98]])),
    ])
    .await;
}

#[tokio::test]
async fn text_is_encoded_and_decoded() {
    expressions(&[
        ("Array.from(new TextEncoder().encode('é\\ud800'))", json!([195, 169, 239, 191, 189])),
        ("new TextDecoder().decode(new Uint8Array([195, 169, 255]))", json!("é\u{fffd}")),
        ("btoa('\\xff\\xfe') + atob(' aGk= ')", json!("//4=hi")),
        ("(() => { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])); } catch (e) { return e.name; } })()", json!("TypeError")),
        ("(() => { try { atob('a'); } catch (e) { return e.name; } })()", json!("InvalidCharacterError")),
    ])
    .await;
}

#[tokio::test]
async fn urls_are_the_whatwgs() {
    expressions(&[
        ("new URL('/b?c=d#e', 'https://EXAMPLE.com:443/a').href", json!("https://example.com/b?c=d#e")),
        ("(() => { const u = new URL('https://a.test/'); u.searchParams.set('q', 'a b&c'); u.pathname = '/x y'; return String(u); })()", json!("https://a.test/x%20y?q=a+b%26c")),
        ("(() => { const { protocol, host, hostname, port, search, hash, origin } = new URL('http://h:81/p?s#f'); return [protocol, host, hostname, port, search, hash, origin]; })()", json!(["http:", "h:81", "h", "81", "?s", "#f", "http://h:81"])),
        ("(() => { try { new URL('nope'); } catch (e) { return e.name; } })()", json!("TypeError")),
        ("URL.canParse('a:b') && !URL.canParse('b')", json!(true)),
        ("new URLSearchParams({ a: '1', b: 'ü ~*' }).toString()", json!("a=1&b=%C3%BC+%7E*")),
        ("[...new URLSearchParams('?a=1&a=2&b=%20+')]", json!([["a", "1"], ["a", "2"], ["b", "  "]])),
        ("new URLSearchParams('a=1&a=2').getAll('a')", json!(["1", "2"])),
        ("JSON.stringify({ u: new URL('http://a/') })", json!("{\"u\":\"http://a/\"}")),
    ])
    .await;
}

#[tokio::test]
async fn plain_data_is_cloned() {
    expressions(&[
        ("(() => { const a = { d: new Date(0), m: new Map([[1, { x: 1 }]]), s: new Set([1]), l: [1, , 2] }; a.self = a; const b = structuredClone(a); return [b !== a, b.self === b, b.d.getTime(), b.m.get(1).x, b.s.has(1), b.l.length]; })()", json!([true, true, 0, 1, true, 3])),
        ("(() => { try { structuredClone({ f() {} }); } catch (e) { return e.name; } })()", json!("DataCloneError")),
    ])
    .await;
}

#[tokio::test]
async fn abort_signals_abort() {
    expressions(&[
        ("(() => { const c = new AbortController(); let seen = 0; c.signal.addEventListener('abort', () => { seen += 1; }); c.abort(); c.abort(); return [seen, c.signal.aborted, c.signal.reason.name]; })()", json!([1, true, "AbortError"])),
        ("await new Promise((done) => { const s = AbortSignal.timeout(1); s.onabort = () => done(s.reason.name); setTimeout(() => {}, 50); })", json!("TimeoutError")),
    ])
    .await;
}

#[tokio::test]
async fn a_script_cannot_reach_the_sandbox_through_what_it_is_given() {
    // The wrapper, its callers and the primitives stay out of sight, and breaking the built-ins breaks only the script itself.
    let value = value_of(
        "const seen = [typeof scope, typeof require.main, typeof require.cache];
         JSON.parse = null; Promise.prototype.then = null; Map.prototype.get = null;
         callback(null, seen);",
    )
    .await;
    assert_eq!(value, json!(["undefined", "undefined", "undefined"]));
}

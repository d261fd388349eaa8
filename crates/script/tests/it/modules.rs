//! `require`: what there is, and that it behaves as the modules do that scripts were written for.

use lychgate_script::LogLevel;
use serde_json::{Value, json};

use crate::server::Server;
use crate::{run, value_in, value_of};

#[tokio::test]
async fn a_version_is_accepted_ignored_and_logged() {
    let run = run("function f(callback) { callback(null, typeof require('axios@0.22.0').post, require('node:crypto') === require('crypto')); }", vec![]).await;
    assert_eq!(run.outcome.unwrap(), [json!("function"), json!(true)]);
    assert_eq!(run.logs.len(), 1);
    assert_eq!(run.logs[0].level, LogLevel::Container);
    assert!(run.logs[0].text.contains("axios@0.22.0"));
}

#[tokio::test]
async fn crypto_hashes_signs_and_derives() {
    for (expression, expected) in [
        (
            "crypto.createHash('sha256').update('a').update('bc').digest('hex')",
            json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ),
        (
            "crypto.createHash('SHA1').update(Buffer.from('abc')).digest('base64')",
            json!("qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
        ),
        (
            "crypto.createHash('sha-512').update('abc').digest().length",
            json!(64),
        ),
        (
            "crypto.createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex')",
            json!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ),
        (
            "crypto.pbkdf2Sync('password', 'salt', 2, 20, 'sha1').toString('hex')",
            json!("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        ),
        (
            "await new Promise((done) => crypto.pbkdf2('password', Buffer.from('salt'), 1, 20, 'sha1', (e, key) => done(key.toString('hex'))))",
            json!("0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        ),
        (
            "[crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('a')), crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('b'))]",
            json!([true, false]),
        ),
        (
            "[crypto.randomBytes(16).length, crypto.randomUUID().length, crypto.randomBytes(8).equals(crypto.randomBytes(8))]",
            json!([16, 36, false]),
        ),
        (
            "await new Promise((done) => crypto.randomBytes(4, (e, b) => done([e, Buffer.isBuffer(b)])))",
            json!([null, true]),
        ),
        (
            "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())",
            json!(true),
        ),
        (
            "Array.from({ length: 50 }, () => crypto.randomInt(3)).every((n) => n >= 0 && n < 3)",
            json!(true),
        ),
    ] {
        let value = value_of(&format!(
            "const crypto = require('crypto'); callback(null, {expression})"
        ))
        .await;
        assert_eq!(value, expected, "{expression}");
    }
    for expression in [
        "createHash('md5')",
        "timingSafeEqual(Buffer.from('a'), Buffer.from('ab'))",
        "pbkdf2Sync('a', 'b', 1e9, 32, 'sha256')",
        "randomBytes(1e9)",
    ] {
        let source =
            format!("function f(callback) {{ require('crypto').{expression}; callback(null); }}");
        assert!(run(&source, vec![]).await.outcome.is_err(), "{expression}");
    }
}

#[tokio::test]
async fn the_small_modules_are_nodes() {
    for (expression, expected) in [
        (
            "require('util').format('%s=%j', 'a', { b: 1 }, 'c')",
            json!("a={\"b\":1} c"),
        ),
        (
            "require('util').inspect({ a: 'x', b: [1, { c: { d: { e: 1 } } }] })",
            json!("{ a: 'x', b: [ 1, { c: [Object] } ] }"),
        ),
        (
            "await require('util').promisify((a, done) => setTimeout(() => done(null, a + 1), 1))(1)",
            json!(2),
        ),
        (
            "await require('util').promisify((done) => done(new Error('no')))().catch((e) => e.message)",
            json!("no"),
        ),
        (
            "require('querystring').stringify({ a: ['1', '2'], b: 'x y', c: true })",
            json!("a=1&a=2&b=x%20y&c=true"),
        ),
        (
            "{ ...require('querystring').parse('a=1&a=2&b=x+y%20z&c') }",
            json!({ "a": ["1", "2"], "b": "x y z", "c": "" }),
        ),
        (
            "require('url').parse('https://u:p@a.test:8/x?y=1', true).query.y",
            json!("1"),
        ),
        (
            "new (require('url').URL)('https://a.test').host",
            json!("a.test"),
        ),
        ("require('buffer').Buffer === Buffer", json!(true)),
    ] {
        assert_eq!(
            value_of(&format!("callback(null, {expression})")).await,
            expected,
            "{expression}"
        );
    }
}

#[tokio::test]
async fn axios_sends_and_reads_json() {
    let server = Server::start().await;
    let value = value_in(
        &server.container(),
        "const axios = require('axios');
         const api = axios.create({ baseURL: configuration.URL + '/', headers: { 'X-From': 'create' }, timeout: 5000 });
         api.interceptors.request.use((config) => ({ ...config, headers: { ...config.headers, 'X-Added': '1' } }));
         const post = await api.post('/echo', { a: 1 }, { params: { q: 'x y', l: [1, 2], n: null }, auth: { username: 'u', password: 'p' } });
         const get = await axios(configuration.URL + '/echo', { responseType: 'text' });
         const form = await axios.post(configuration.URL + '/echo', new URLSearchParams({ grant_type: 'client_credentials' }));
         const all = await Promise.all([axios.put, axios.patch, axios.delete].map((verb) => verb(configuration.URL + '/echo')));
         callback(null, { post: post.data, status: [post.status, post.statusText, post.headers['content-type']], text: typeof get.data, form: form.data, methods: all.map((one) => one.data.method) });",
    )
    .await;
    let post = &value["post"];
    assert_eq!(
        (&post["method"], &post["path"], &post["body"]),
        (&json!("POST"), &json!("/echo"), &json!("{\"a\":1}"))
    );
    assert_eq!(post["query"], json!("q=x+y&l%5B%5D=1&l%5B%5D=2"));
    let headers = &post["headers"];
    assert_eq!(headers["authorization"], json!("Basic dTpw"));
    assert_eq!(headers["content-type"], json!("application/json"));
    assert_eq!(
        (&headers["x-from"], &headers["x-added"]),
        (&json!("create"), &json!("1"))
    );
    assert_eq!(
        headers["accept"],
        json!("application/json, text/plain, */*")
    );
    assert_eq!(value["status"], json!([200, "OK", "application/json"]));
    assert_eq!(value["text"], json!("string"));
    assert_eq!(
        value["form"]["body"],
        json!("grant_type=client_credentials")
    );
    assert_eq!(value["methods"], json!(["PUT", "PATCH", "DELETE"]));
}

#[tokio::test]
async fn axios_rejects_what_is_not_2xx_with_its_response() {
    let server = Server::start().await;
    let value = value_in(
        &server.container(),
        "const axios = require('axios');
         const refused = await axios.get(configuration.URL + '/status/404').catch((e) => [e.message, e.code, e.isAxiosError, axios.isAxiosError(e), e.response.status, e.response.data, e instanceof Error]);
         const taken = await axios.get(configuration.URL + '/status/404', { validateStatus: () => true });
         const late = await axios.get(configuration.URL + '/never', { timeout: 30 }).catch((e) => [e.code, e.response === undefined, e.message]);
         const gone = await axios.get('http://127.0.0.1:1/').catch((e) => [e.code, e.response === undefined]);
         callback(null, { refused, taken: taken.status, late, gone });",
    )
    .await;
    assert_eq!(
        value["refused"],
        json!(["Request failed with status code 404", "ERR_BAD_REQUEST", true, true, 404, { "code": 404 }, true])
    );
    assert_eq!(value["taken"], json!(404));
    assert_eq!(
        value["late"],
        json!(["ECONNABORTED", true, "timeout of 30ms exceeded"])
    );
    assert_eq!(value["gone"], json!(["EACCES", true]));
}

/// `request(options, callback)` with one set of options.
async fn request(server: &Server, call: &str) -> Value {
    let body = format!(
        "const request = require('request'); const U = configuration.URL;
         {call}
         function done(error, response, body) {{ callback(null, error ? {{ error: error.code || error.message }} : {{ status: response.statusCode, type: response.headers['content-type'], body }}); }}"
    );
    value_in(&server.container(), &body).await
}

#[tokio::test]
async fn request_takes_its_options_as_the_module_does() {
    let server = Server::start().await;
    let plain = request(&server, "request(U + '/echo', done);").await;
    assert!(plain["body"].is_string());
    let json_body = request(
        &server,
        "request.post({ url: U + '/echo', json: { a: 1 } }, done);",
    )
    .await;
    assert_eq!(
        (&json_body["body"]["method"], &json_body["body"]["body"]),
        (&json!("POST"), &json!("{\"a\":1}"))
    );
    assert_eq!(
        json_body["body"]["headers"]["content-type"],
        json!("application/json")
    );
    assert_eq!(
        json_body["body"]["headers"]["accept"],
        json!("application/json")
    );
    let form = request(&server, "request({ method: 'POST', url: U + '/echo', form: { a: 'x y', b: 1 }, json: true, headers: { 'X-A': 1 } }, done);").await;
    assert_eq!(form["body"]["body"], json!("a=x+y&b=1"));
    assert_eq!(
        form["body"]["headers"]["content-type"],
        json!("application/x-www-form-urlencoded")
    );
    assert_eq!(form["body"]["headers"]["x-a"], json!("1"));
    let auth = request(&server, "request.get({ url: U + '/echo', auth: { username: 'u', password: 'p' }, qs: { q: 1 }, json: true }, done);").await;
    assert_eq!(
        (
            &auth["body"]["headers"]["authorization"],
            &auth["body"]["query"]
        ),
        (&json!("Basic dTpw"), &json!("q=1"))
    );
    let bearer = request(&server, "request.put({ uri: U + '/echo', auth: { bearer: 't' }, json: true, body: { a: 1 } }, done);").await;
    assert_eq!(
        (
            &bearer["body"]["headers"]["authorization"],
            &bearer["body"]["method"]
        ),
        (&json!("Bearer t"), &json!("PUT"))
    );
    let in_url = request(
        &server,
        "request.del(U.replace('//', '//u:p@') + '/echo', { json: true }, done);",
    )
    .await;
    assert_eq!(
        (
            &in_url["body"]["headers"]["authorization"],
            &in_url["body"]["method"]
        ),
        (&json!("Basic dTpw"), &json!("DELETE"))
    );
    let defaults = request(&server, "request.defaults({ baseUrl: U, json: true, headers: { a: '1' } }).get('/echo', { headers: { b: '2' } }, done);").await;
    assert_eq!(
        (
            &defaults["body"]["headers"]["a"],
            &defaults["body"]["headers"]["b"]
        ),
        (&json!("1"), &json!("2"))
    );
}

#[tokio::test]
async fn request_answers_every_status_and_reports_trouble() {
    let server = Server::start().await;
    assert_eq!(
        request(
            &server,
            "request.get({ url: U + '/status/401', json: true }, done);"
        )
        .await["status"],
        json!(401)
    );
    assert_eq!(
        request(
            &server,
            "request.get({ url: U + '/never', timeout: 30 }, done);"
        )
        .await,
        json!({ "error": "ETIMEDOUT" })
    );
    assert_eq!(
        request(&server, "request.get('http://127.0.0.1:1/', done);").await,
        json!({ "error": "EACCES" })
    );
    assert_eq!(
        request(&server, "request.get({}, done);").await,
        json!({ "error": "options.uri is a required argument" })
    );
    assert_eq!(
        request(&server, "request.get(U + '/redirect/302?to=/echo', done);").await["status"],
        json!(200)
    );
    assert_eq!(
        request(&server, "request.post(U + '/redirect/302?to=/echo', done);").await["status"],
        json!(302)
    );
}

#[tokio::test]
async fn a_request_callback_that_throws_fails_the_script() {
    let server = Server::start().await;
    let source = "function f(callback) { require('request').get(configuration.URL + '/echo', () => { throw new Error('in callback'); }); }";
    let run = crate::call(&server.container(), source, vec![]).await;
    assert_eq!(crate::message(run.outcome.unwrap_err()), "in callback");
}

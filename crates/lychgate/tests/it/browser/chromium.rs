//! Chromium without a screen, driven over `WebDriver`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long the driver may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// What keeps it small, silent on the network, and alive for root; over a pipe it ends with its driver, however that ends.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
];

/// Whether the pages' own scripts run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    Allowed,
    Blocked,
}

/// A browser with a new profile.
pub(crate) struct Chromium {
    pub(crate) client: Client,
    scripts: Scripts,
    driver: Child,
    _profile: TempDir,
}

impl Chromium {
    pub(crate) async fn start(scripts: Scripts) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (driver, address) = start_driver(profile.path()).await;
        let folder = profile.path().join("profile");
        let flags = FLAGS
            .map(str::to_owned)
            .into_iter()
            .chain([format!("--user-data-dir={}", folder.display())]);
        // Chromium's own numbers: 1 allows, 2 blocks.
        let setting = if scripts == Scripts::Allowed { 1 } else { 2 };
        let capabilities = json!({
            "timeouts": { "pageLoad": PATIENCE.as_millis() },
            "goog:chromeOptions": {
                "args": flags.collect::<Vec<_>>(),
                "prefs": { "profile.managed_default_content_settings.javascript": setting },
            },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = tokio::time::timeout(PATIENCE, builder.connect(&address))
            .await
            .expect("Chromium hangs")
            .unwrap();
        Self {
            client,
            scripts,
            driver,
            _profile: profile,
        }
    }

    /// Whether a page's script runs, as a page shows it.
    pub(crate) async fn runs_scripts(&self) -> bool {
        let page = "data:text/html,<title>blocked</title><script>document.title='ran'</script>";
        self.client.goto(page).await.unwrap();
        self.client.title().await.unwrap() == "ran"
    }

    /// The role and the accessible name of an element, as a screen reader says them.
    pub(crate) async fn name(&self, element: &Element) -> (String, String) {
        let mut said = Vec::new();
        for what in ["computedrole", "computedlabel"] {
            let path = format!("element/{}/{what}", &*element.element_id());
            let value = self
                .client
                .issue_cmd(Wire { path, body: None })
                .await
                .unwrap();
            said.push(value.as_str().unwrap().to_owned());
        }
        (said.remove(0), said.remove(0))
    }

    /// Pictures of the page on a desk and on a telephone, by day and by night; none needs to be moved sideways.
    pub(crate) async fn take_pictures(&self, name: &str) {
        if self.scripts == Scripts::Blocked {
            return;
        }
        // Beside the folder that cargo keeps for tests, so in `target` wherever that is.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        for (width, height, mobile) in [(1280, 800, false), (390, 844, true)] {
            let size = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile });
            self.devtools("Emulation.setDeviceMetricsOverride", size)
                .await;
            for scheme in ["light", "dark"] {
                let features =
                    json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
                self.devtools("Emulation.setEmulatedMedia", features).await;
                let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
                let wide = self.client.execute(wide, Vec::new()).await.unwrap();
                assert_eq!(wide, json!(false), "{name} is wider than {width} pixels");
                let picture = self.client.screenshot().await.unwrap();
                std::fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), picture)
                    .unwrap();
            }
        }
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] }))
            .await;
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({}))
            .await;
    }

    /// Ends browser and driver.
    pub(crate) async fn end(mut self) {
        self.client.close().await.unwrap();
        self.driver.kill().await.unwrap();
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.client
            .issue_cmd(Wire {
                path: "goog/cdp/execute".to_owned(),
                body: Some(body),
            })
            .await
            .unwrap();
    }
}

/// Starts the driver on a free port and returns its address; its files and Chromium's stay in `folder`.
async fn start_driver(folder: &Path) -> (Child, String) {
    let mut driver = Command::new("chromedriver");
    driver
        .arg("--port=0")
        .env("TMPDIR", folder)
        .kill_on_drop(true);
    let streams = driver
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut driver = streams
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver does not start: {error}"));
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .expect("chromedriver hangs")
            .unwrap();
        let line = line.expect("chromedriver has ended");
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            // What it says later must not block it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (
                driver,
                format!("http://127.0.0.1:{}", port.trim_end_matches('.')),
            );
        }
    }
}

/// A command of `WebDriver`, or of Chromium beyond it, that fantoccini has no name for.
#[derive(Debug)]
struct Wire {
    /// Below the session.
    path: String,
    /// Without one it is a question.
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Wire {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        match &self.body {
            Some(body) => (Method::POST, Some(body.to_string())),
            None => (Method::GET, None),
        }
    }
}

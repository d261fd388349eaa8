//! The Management API of a tenant, `https://TENANT/api/v2/`. It is read and never written: there is no method here but
//! `GET`. Secrets of clients are not asked for.
//!
//! What the token may not read (403) is not told. What the tenant does not have any more (404, 410), such as rules, is
//! not there.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::assets::{Asset, Assets, set};
use super::error::ExportError;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long all of them may take, waits for the rate limit among it.
const DEADLINE: Duration = Duration::from_mins(5);

/// How long it waits where a busy tenant does not say for how long.
const PAUSE: Duration = Duration::from_secs(2);

/// The most that an answer may hold, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How many things are asked for at once; the tenant may give fewer.
const PER_PAGE: u64 = 100;

/// The most pages of one kind.
const MOST_PAGES: u64 = 1000;

/// The flows that matter here.
const TRIGGERS: [&str; 2] = ["post-login", "credentials-exchange"];

/// A tenant's Management API, and the right to read it.
pub(crate) struct ManagementApi {
    client: Client,
    /// `https://TENANT/api/v2/`.
    base: Url,
    authorization: HeaderValue,
}

/// What the tenant answers.
enum Answer {
    Document(Value),
    /// The token may not read it.
    NotAllowed,
    /// There is no such thing.
    Gone,
}

impl ManagementApi {
    /// Takes the address of a tenant, HTTPS or on loopback, and a token for its Management API.
    pub(crate) fn new(address: &str, token: &Zeroizing<String>) -> Result<Self, ExportError> {
        let wrong = |reason| ExportError::unreadable(&address, &reason);
        let url = Url::parse(address)
            .map_err(|_| wrong("it is no address, as `https://example.eu.auth0.com/`"))?;
        let loopback = ["localhost", "127.0.0.1", "[::1]"];
        let is_loopback = url.host_str().is_some_and(|host| loopback.contains(&host));
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
            return Err(wrong("a token is sent there, so it must be `https`"));
        }
        if url.path() != "/" || url.query().is_some() || !url.username().is_empty() {
            return Err(wrong(
                "give the address of the tenant alone, as `https://example.eu.auth0.com/`",
            ));
        }
        let base = url.join("api/v2/").map_err(|_| wrong("it is no address"))?;
        let bearer = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let mut authorization = HeaderValue::from_str(&bearer)
            .map_err(|_| wrong("the token has signs that no token has"))?;
        authorization.set_sensitive(true);
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("lychgate/", env!("CARGO_PKG_VERSION")));
        let client = if is_loopback {
            client.no_proxy()
        } else {
            client
        };
        Ok(Self {
            client: client
                .build()
                .map_err(|_| wrong("no client can be made for it"))?,
            base,
            authorization,
        })
    }

    /// Where it is.
    pub(super) fn origin(&self) -> String {
        self.base.to_string()
    }

    /// Asks for everything that is judged.
    pub(super) async fn read(&self) -> Result<Assets, ExportError> {
        let reading = tokio::time::timeout(DEADLINE, Box::pin(self.assets()));
        reading.await.map_err(|_| {
            let reason = format!("it took longer than {} s", DEADLINE.as_secs());
            ExportError::unreadable(&self.base, &reason)
        })?
    }

    async fn assets(&self) -> Result<Assets, ExportError> {
        let of_client = "name,client_id,app_type,grant_types,token_endpoint_auth_method,refresh_token,token_exchange,resource_server_identifier";
        let only = format!("&include_totals=true&include_fields=true&fields={of_client}");
        let totals = "&include_totals=true";
        let clients = self.list("clients", "clients", &only).await?;
        let mut connections = self
            .list(
                "connections",
                "connections",
                "&include_totals=true&strategy=auth0",
            )
            .await?;
        for connection in connections.iter_mut().flatten() {
            self.add_enabled_clients(connection).await?;
        }
        let mut actions = self.list("actions/actions", "actions", "").await?;
        for action in actions.iter_mut().flatten() {
            let deployed = action
                .value
                .get("all_changes_deployed")
                .cloned()
                .unwrap_or_default();
            set(&mut action.value, "deployed", deployed);
        }
        Ok(Assets {
            is_whole: true,
            is_kept_in_files: false,
            domain: self.base.host_str().map(str::to_owned),
            settings: self.settings().await?,
            apis: self
                .list("resource-servers", "resource_servers", totals)
                .await?,
            clients,
            grants: self.list("client-grants", "client_grants", totals).await?,
            connections,
            actions,
            triggers: self.triggers().await?,
            rules: self.list("rules", "rules", totals).await?,
            hooks: self.list("hooks", "hooks", totals).await?,
        })
    }

    async fn settings(&self) -> Result<Option<Asset>, ExportError> {
        let path = "tenants/settings";
        let query = format!("{path}?include_fields=true&fields=default_audience,sandbox_version");
        match self.get(&query).await? {
            Answer::Document(document) => Ok(Some(Asset::new(path, document))),
            Answer::NotAllowed | Answer::Gone => Ok(None),
        }
    }

    async fn triggers(&self) -> Result<Option<Vec<(String, Vec<String>)>>, ExportError> {
        let mut triggers = Vec::new();
        for trigger in TRIGGERS {
            let path = format!("actions/triggers/{trigger}/bindings");
            let Some(bindings) = self.list(&path, "bindings", "").await? else {
                return Ok(None);
            };
            let names = bindings.iter().filter_map(|binding| {
                let action = binding.value.get("action")?;
                action.get("id").or(action.get("name"))?.as_str()
            });
            triggers.push((trigger.to_owned(), names.map(str::to_owned).collect()));
        }
        Ok(Some(triggers))
    }

    /// The clients that a connection is on for are told by another address.
    async fn add_enabled_clients(&self, connection: &mut Asset) -> Result<(), ExportError> {
        let id = connection
            .value
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if id.is_empty() || !id.bytes().all(is_id) {
            return Err(ExportError::WrongType {
                place: connection.place.clone(),
                field: "id".to_owned(),
                expected: "an id",
            });
        }
        let path = format!("connections/{id}/clients");
        let mut enabled = Vec::new();
        let mut from = String::new();
        for _ in 0..MOST_PAGES {
            let Answer::Document(document) =
                self.get(&format!("{path}?take={PER_PAGE}{from}")).await?
            else {
                // Not told: a list that is not there would be taken for an empty one.
                set(
                    &mut connection.value,
                    "enabled_clients",
                    json!("@@NOT_TOLD@@"),
                );
                return Ok(());
            };
            let clients = document
                .get("clients")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            enabled.extend(clients.filter_map(|client| client.get("client_id").cloned()));
            let Some(next) = document.get("next").and_then(Value::as_str) else {
                set(&mut connection.value, "enabled_clients", enabled.into());
                return Ok(());
            };
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            from = format!("&from={next}");
        }
        Err(too_many(&path))
    }

    /// All things of a kind, page by page.
    async fn list(
        &self,
        path: &str,
        member: &str,
        query: &str,
    ) -> Result<Option<Vec<Asset>>, ExportError> {
        let mut all: Vec<Asset> = Vec::new();
        for page in 0..MOST_PAGES {
            let document = match self
                .get(&format!("{path}?page={page}&per_page={PER_PAGE}{query}"))
                .await?
            {
                Answer::Document(document) => document,
                Answer::NotAllowed => return Ok(None),
                Answer::Gone => return Ok(Some(all)),
            };
            let listed = document.get(member).and_then(Value::as_array);
            let Some(listed) = listed else {
                return Err(ExportError::WrongType {
                    place: path.to_owned(),
                    field: member.to_owned(),
                    expected: "a list",
                });
            };
            all.extend(
                listed
                    .iter()
                    .map(|value| Asset::new(place(path, value), value.clone())),
            );
            let total = document.get("total").and_then(Value::as_u64);
            let is_last = match total {
                Some(total) => all.len() as u64 >= total,
                None => (listed.len() as u64) < PER_PAGE,
            };
            if is_last || listed.is_empty() {
                return Ok(Some(all));
            }
        }
        Err(too_many(path))
    }

    /// Asks, and asks again when the tenant says that it was asked too often.
    async fn get(&self, path_and_query: &str) -> Result<Answer, ExportError> {
        let failed = |reason: String| {
            let path = path_and_query.split('?').next().unwrap_or_default();
            ExportError::unreadable(&path, &reason)
        };
        let url = self
            .base
            .join(path_and_query)
            .map_err(|error| failed(error.to_string()))?;
        loop {
            let request = self
                .client
                .get(url.clone())
                .header(AUTHORIZATION, self.authorization.clone());
            let response = request
                .send()
                .await
                .map_err(|error| failed(error.without_url().to_string()))?;
            match response.status() {
                StatusCode::OK => {
                    return body(response).await.map(Answer::Document).map_err(failed);
                }
                StatusCode::TOO_MANY_REQUESTS => tokio::time::sleep(pause(&response)).await,
                StatusCode::FORBIDDEN => return Ok(Answer::NotAllowed),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::Gone),
                StatusCode::UNAUTHORIZED => {
                    return Err(failed("the tenant does not take the token (401): it is expired, or for another API".to_owned()));
                }
                status => return Err(failed(format!("the tenant answered {}", status.as_u16()))),
            }
        }
    }
}

/// The JSON of an answer, or why there is none.
async fn body(mut response: Response) -> Result<Value, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| error.without_url().to_string())?
    {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(format!("the answer is larger than {MOST_BYTES} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    // The parser's own message may show a value.
    serde_json::from_slice(&bytes).map_err(|_| "the answer is no JSON".to_owned())
}

fn pause(response: &Response) -> Duration {
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    after
        .and_then(|seconds| seconds.parse().ok())
        .map_or(PAUSE, Duration::from_secs)
}

/// Where a thing is, by its name.
fn place(path: &str, value: &Value) -> String {
    let mut names = ["name", "identifier", "id"].into_iter();
    let name = names.find_map(|name| value.get(name)?.as_str());
    format!("{path}/{}", name.unwrap_or_default())
}

fn too_many(path: &str) -> ExportError {
    ExportError::TooMany {
        place: path.to_owned(),
        most: usize::try_from(MOST_PAGES * PER_PAGE).unwrap_or(usize::MAX),
    }
}

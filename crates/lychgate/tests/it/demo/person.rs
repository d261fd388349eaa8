//! A person with a browser that shows nothing: it follows redirects, keeps cookies and sends the login form.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

use super::running::PATIENCE;

/// How many redirects a login may take.
const REDIRECTS: usize = 8;

pub(crate) struct Person {
    http: Client,
    cookies: BTreeMap<String, String>,
}

/// Where the redirects have led.
pub(crate) struct Page {
    pub(crate) address: Url,
    pub(crate) text: String,
}

impl Person {
    pub(crate) fn new() -> Self {
        let http = Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            http,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn open(&mut self, address: Url) -> Page {
        self.follow(self.http.get(address)).await
    }

    /// Fills in the login page and sends it.
    pub(crate) async fn log_in(&mut self, page: &Page, username: &str, password: &str) -> Page {
        assert_eq!(page.address.path(), "/u/login", "{}", page.text);
        let (_, state) = page
            .address
            .query_pairs()
            .find(|(name, _)| name == "state")
            .unwrap();
        let form = [
            ("state", state.as_ref()),
            ("username", username),
            ("password", password),
        ];
        self.follow(self.http.post(page.address.clone()).form(&form))
            .await
    }

    async fn follow(&mut self, mut request: RequestBuilder) -> Page {
        for _ in 0..REDIRECTS {
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let response = request
                .header(COOKIE, cookies.join("; "))
                .send()
                .await
                .unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                let (name, value) = cookie
                    .to_str()
                    .unwrap()
                    .split(';')
                    .next()
                    .unwrap()
                    .split_once('=')
                    .unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let address = response.url().clone();
            let Some(next) = response.headers().get(LOCATION) else {
                return Page {
                    address,
                    text: response.text().await.unwrap(),
                };
            };
            request = self.http.get(address.join(next.to_str().unwrap()).unwrap());
        }
        panic!("the redirects do not end");
    }
}

//! A login as a person sees it: in a real browser, by keyboard, found by the names that a screen reader says.
//!
//! The pictures of it, in `target/screenshots/`, are for people to look at.

mod chromium;

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::key::Key;
use reqwest::Url;

use self::chromium::{Chromium, Scripts};
use crate::demo::Demo;
use crate::support::PASSWORD;

const USERNAME: (&str, &str) = ("textbox", "Email or username");
const PASSWORD_FIELD: (&str, &str) = ("textbox", "Password");
const SUBMIT: (&str, &str) = ("button", "Log in");

/// Shift and the tab key together, then both let go.
const BACK: [Key; 3] = [Key::Shift, Key::Tab, Key::Null];

#[tokio::test]
async fn a_person_logs_in_with_a_browser_whether_it_runs_scripts_or_not() {
    let mut demo = Demo::start(&[]);
    let application = demo.application().await;
    for scripts in [Scripts::Allowed, Scripts::Blocked] {
        let chromium = Chromium::start(scripts).await;
        assert_eq!(chromium.runs_scripts().await, scripts == Scripts::Allowed);
        let person = Person { chromium };
        person.opens_the_login_page(&application).await;
        person.finds_the_form_by_its_labels().await;
        person.mistypes_the_password().await;
        person.logs_in().await;
        person.attacks_and_gets_an_error(&application).await;
        person.chromium.end().await;
    }
    demo.signal("TERM").await;
    assert_eq!(demo.end().await.status, Some(0));
}

/// Ada, in front of a browser.
struct Person {
    chromium: Chromium,
}

impl Person {
    async fn opens_the_login_page(&self, application: &Url) {
        self.chromium
            .client
            .goto(application.as_str())
            .await
            .unwrap();
        self.chromium.take_pictures("application").await;
        self.click_link("Log in").await;
        self.sees("form").await;
        assert_eq!(
            self.chromium.client.current_url().await.unwrap().path(),
            "/u/login"
        );
        assert_eq!(self.chromium.client.title().await.unwrap(), "Log in");
        self.chromium.take_pictures("login").await;
    }

    async fn finds_the_form_by_its_labels(&self) {
        let form = self.tab_through(3).await;
        assert_eq!(
            self.names_of(&form).await,
            [USERNAME, PASSWORD_FIELD, SUBMIT].map(owned)
        );
        for (field, kind, autocomplete) in [
            (&form[0], "text", "username"),
            (&form[1], "password", "current-password"),
        ] {
            assert_eq!(field.attr("type").await.unwrap().as_deref(), Some(kind));
            assert_eq!(
                field.attr("autocomplete").await.unwrap().as_deref(),
                Some(autocomplete)
            );
            assert_eq!(field.attr("aria-invalid").await.unwrap(), None);
        }
        for _ in 1..form.len() {
            self.types(&keys(&BACK)).await;
        }
        assert_eq!(
            self.chromium.name(&self.focused().await).await,
            owned(USERNAME)
        );
    }

    async fn mistypes_the_password(&self) {
        self.types("ada@example.com").await;
        self.types(&keys(&[Key::Tab])).await;
        self.types(&format!("not {PASSWORD}{}", keys(&[Key::Enter])))
            .await;
        let alert = self.sees("[role=alert]").await;
        assert_eq!(alert.text().await.unwrap(), "Wrong email or password.");
        assert_eq!(self.chromium.name(&alert).await.0, "alert");
        assert_eq!(self.chromium.client.title().await.unwrap(), "Error: Log in");

        // What was right is kept; the person is where the mend is, and hears there what is wrong.
        let form = self.tab_through(2).await;
        assert_eq!(
            self.names_of(&form).await,
            [PASSWORD_FIELD, SUBMIT].map(owned)
        );
        assert_eq!(
            form[0].attr("aria-describedby").await.unwrap(),
            alert.attr("id").await.unwrap()
        );
        assert_eq!(
            form[0].attr("aria-invalid").await.unwrap().as_deref(),
            Some("true")
        );
        assert_eq!(form[0].prop("value").await.unwrap().as_deref(), Some(""));
        self.types(&keys(&BACK)).await;
        self.types(&keys(&BACK)).await;
        let username = self.focused().await;
        assert_eq!(self.chromium.name(&username).await, owned(USERNAME));
        assert_eq!(
            username.prop("value").await.unwrap().as_deref(),
            Some("ada@example.com")
        );
        self.types(&keys(&[Key::Tab])).await;
        self.chromium.take_pictures("login-error").await;
    }

    async fn logs_in(&self) {
        self.types(&format!("{PASSWORD}{}", keys(&[Key::Enter])))
            .await;
        let profile = self.sees("pre").await.text().await.unwrap();
        assert!(
            profile.contains(r#""email": "ada@example.com""#),
            "{profile}"
        );
        self.chromium.take_pictures("application-logged-in").await;
    }

    async fn attacks_and_gets_an_error(&self, application: &Url) {
        self.click_link("log in with the gateway's audience added to the request")
            .await;
        let alert = self.sees("[role=alert]").await.text().await.unwrap();
        assert!(alert.contains("access_denied"), "{alert}");
        let address = self.chromium.client.current_url().await.unwrap();
        assert_eq!(address.origin(), application.origin());
        assert!(
            !address.query_pairs().any(|(name, _)| name == "code"),
            "{address}"
        );
        self.chromium.take_pictures("application-attack").await;
    }

    async fn click_link(&self, text: &str) {
        self.chromium
            .client
            .find(Locator::LinkText(text))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
    }

    /// Waits until the page has such an element.
    async fn sees(&self, css: &str) -> Element {
        self.chromium
            .client
            .wait()
            .for_element(Locator::Css(css))
            .await
            .unwrap()
    }

    async fn focused(&self) -> Element {
        self.chromium.client.active_element().await.unwrap()
    }

    /// Types where the focus is.
    async fn types(&self, keys: &str) {
        self.focused().await.send_keys(keys).await.unwrap();
    }

    /// What has the focus, and what gets it with each press of the tab key.
    async fn tab_through(&self, stops: usize) -> Vec<Element> {
        let mut elements = vec![self.focused().await];
        while elements.len() < stops {
            self.types(&keys(&[Key::Tab])).await;
            elements.push(self.focused().await);
        }
        elements
    }

    async fn names_of(&self, elements: &[Element]) -> Vec<(String, String)> {
        let mut names = Vec::new();
        for element in elements {
            names.push(self.chromium.name(element).await);
        }
        names
    }
}

/// Keys as they are typed, one after another.
fn keys(keys: &[Key]) -> String {
    keys.iter().map(|key| char::from(*key)).collect()
}

fn owned((role, label): (&str, &str)) -> (String, String) {
    (role.to_owned(), label.to_owned())
}

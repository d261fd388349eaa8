//! Mails, written as files for a mail program of the operator's to send.

use std::{path::Path, str::FromStr};

use lychgate_token::UnixTime;
use tokio::{fs::OpenOptions, io::AsyncWriteExt};

use crate::{Error, issuer::Issuer, state::Reference};

/// Bytes of an address (RFC 5321 §4.5.3.1.3).
const ADDRESS_BYTES: usize = 254;

/// An address that can stand in a header: one `@` with something on both sides, and nothing that ends a line or a name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EmailAddress(String);

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoEmailAddress;

impl EmailAddress {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = NoEmailAddress;

    fn from_str(text: &str) -> Result<Self, NoEmailAddress> {
        let forbidden = |character: char| {
            character.is_control()
                || character.is_whitespace()
                || "<>,;:\"\\()[]".contains(character)
        };
        match text.split_once('@') {
            Some((local, domain))
                if !local.is_empty()
                    && !domain.is_empty()
                    && !domain.contains('@')
                    && text.len() <= ADDRESS_BYTES
                    && !text.contains(forbidden) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(NoEmailAddress),
        }
    }
}

/// A mail with one link in it.
pub(crate) struct Mail<'m> {
    pub(crate) to: &'m EmailAddress,
    pub(crate) subject: &'static str,
    pub(crate) text: &'static str,
    pub(crate) link: &'m str,
}

/// Writes a mail into `folder`, whole or not at all; the file is for its owner only, since the link opens a door.
pub(crate) async fn put(
    folder: &Path,
    issuer: &Issuer,
    mail: &Mail<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    let name = Reference::generate()?;
    let text = render(issuer, mail, name.expose_secret(), now);
    let (unfinished, finished) = (
        folder.join(format!(".{}.part", name.expose_secret())),
        folder.join(format!("{}.eml", name.expose_secret())),
    );
    let write = async {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)
            .await?;
        file.write_all(text.as_bytes()).await?;
        file.sync_all().await?;
        tokio::fs::rename(&unfinished, &finished).await
    };
    write.await.map_err(|source| Error::Read {
        file: folder.to_owned(),
        source,
    })
}

fn render(issuer: &Issuer, mail: &Mail<'_>, id: &str, now: UnixTime) -> String {
    let host = issuer.authority().split(':').next().unwrap_or_default();
    let date = time::OffsetDateTime::from_unix_timestamp(now.seconds())
        .ok()
        .and_then(|time| {
            time.format(&time::format_description::well_known::Rfc2822)
                .ok()
        })
        .unwrap_or_default();
    format!(
        "From: Accounts <no-reply@{host}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{id}@{host}>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\
         Auto-Submitted: auto-generated\r\n\r\n{}\r\n\r\n{}\r\n",
        mail.to.as_str(),
        mail.subject,
        mail.text,
        mail.link,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_one_at_and_no_second_line() {
        assert!("ada@example.com".parse::<EmailAddress>().is_ok());
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "a b@c",
            "a@c\r\nBcc: x@y",
            "a@c,b@d",
            "<a@c>",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_adds_a_header(text in any::<String>()) {
            if let Ok(address) = text.parse::<EmailAddress>() {
                let issuer = "https://login.example.com/".parse().unwrap();
                let mail = Mail { to: &address, subject: "s", text: "t", link: "l" };
                let mail = render(&issuer, &mail, "id", UnixTime::from_seconds(0));
                let (head, _) = mail.split_once("\r\n\r\n").unwrap();
                prop_assert_eq!(head.lines().count(), 9);
            }
        }
    }
}

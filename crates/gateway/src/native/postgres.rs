//! The beginning of a session in PostgreSQL's own words (protocol 3, "Start-up" and "SSL Session Encryption" in its
//! manual), up to the startup message; what comes after it is passed on as it is.
//!
//! An attacker wants to be taken for a user or a database that config does not name, by a message that the door and the
//! server read differently, or by bytes that came before TLS and are read after it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes of a startup message, its length among them; the server's own bound.
const STARTUP_BYTES: usize = 10_000;

/// The first byte of a TLS handshake, where a client begins with it and asks nobody (PostgreSQL 17 and later).
const TLS_HANDSHAKE: u8 = 0x16;

/// The protocol by which such a client has to say what it wants (RFC 7301).
pub(super) const ALPN: &[u8] = b"postgresql";

const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();
const GSSENC_REQUEST: [u8; 4] = 80_877_104_u32.to_be_bytes();
const CANCEL_REQUEST: [u8; 4] = 80_877_102_u32.to_be_bytes();

/// The major version of the protocol; the minor one is between client and server.
const MAJOR_VERSION: [u8; 2] = [0, 3];

/// How TLS begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The client asked for it.
    Asked,
    /// The client began with it, and has to name the protocol.
    Direct,
}

/// What a client says first, inside TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// It begins a session.
    Startup(Startup),
    /// It wants to end what another session does; of that the server knows which, by a secret. All of the message.
    Cancel(Vec<u8>),
}

/// The beginning of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Startup {
    pub(super) user: String,
    /// Where none is named, it is named like the user.
    pub(super) database: String,
    /// All of the message, as the server is to have it.
    pub(super) message: Vec<u8>,
}

/// Why there is no session. Each has a word for the audit line, and one for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The message is not one of the protocol, or could be read in two ways.
    Malformed,
    /// It did not come in TLS.
    Plain,
    /// It asks for a stream of replication.
    Replication,
}

impl Flaw {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-startup",
            Self::Plain => "no-tls",
            Self::Replication => "replication",
        }
    }
}

/// Reads up to the beginning of TLS, and not a byte further: what a client sends too early is no part of its session.
pub(super) async fn until_tls<S>(stream: &mut S, first: u8) -> io::Result<Result<Opening, Flaw>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if first == TLS_HANDSHAKE {
        return Ok(Ok(Opening::Direct));
    }
    // Twice at most: a client may ask for GSSAPI before it asks for TLS.
    for _ in 0..2 {
        let mut request = [0; 8];
        stream.read_exact(&mut request).await?;
        let [0, 0, 0, 8, code @ ..] = request else {
            return Ok(Err(match request {
                // A session, or a cancellation.
                [0, 0, _, _, 0, 3, _, _] | [0, 0, 0, 16, ..] => Flaw::Plain,
                _ => Flaw::Malformed,
            }));
        };
        match code {
            SSL_REQUEST => {
                stream.write_all(b"S").await?;
                stream.flush().await?;
                return Ok(Ok(Opening::Asked));
            }
            GSSENC_REQUEST => {
                stream.write_all(b"N").await?;
                stream.flush().await?;
            }
            _ => return Ok(Err(Flaw::Malformed)),
        }
    }
    Ok(Err(Flaw::Malformed))
}

/// Reads the first message inside TLS.
pub(super) async fn first<S>(stream: &mut S) -> io::Result<Result<First, Flaw>>
where
    S: AsyncRead + Unpin,
{
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let total = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if !(8..=STARTUP_BYTES).contains(&total) {
        return Ok(Err(Flaw::Malformed));
    }
    let mut message = length.to_vec();
    message.resize(total, 0);
    let rest = message.get_mut(4..).unwrap_or_default();
    stream.read_exact(rest).await?;
    Ok(parse(message))
}

/// What a whole message says.
fn parse(message: Vec<u8>) -> Result<First, Flaw> {
    let (code, parameters) = message
        .get(4..)
        .and_then(<[u8]>::split_first_chunk::<4>)
        .ok_or(Flaw::Malformed)?;
    if *code == CANCEL_REQUEST {
        return Ok(First::Cancel(message));
    }
    if !code.starts_with(&MAJOR_VERSION) {
        return Err(Flaw::Malformed);
    }
    let mut parameters = Texts(parameters);
    let (mut user, mut database, mut names) = (None, None, Vec::new());
    loop {
        let name = parameters.next()?;
        if name.is_empty() {
            break;
        }
        let value = parameters.next()?;
        // Of two of a name the server takes the last; nobody sends two who does not want that to be overlooked.
        if names.contains(&name) {
            return Err(Flaw::Malformed);
        }
        names.push(name);
        match name {
            "user" => user = Some(value),
            "database" => database = Some(value),
            "replication" => return Err(Flaw::Replication),
            _ => {}
        }
    }
    let user = user
        .filter(|user| !user.is_empty())
        .ok_or(Flaw::Malformed)?;
    if !parameters.0.is_empty() {
        return Err(Flaw::Malformed);
    }
    let database = database.filter(|name| !name.is_empty()).unwrap_or(user);
    let (user, database) = (user.to_owned(), database.to_owned());
    Ok(First::Startup(Startup {
        user,
        database,
        message,
    }))
}

/// Texts that each end in a NUL.
struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    fn next(&mut self) -> Result<&'a str, Flaw> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let (text, rest) = end
            .and_then(|end| Some((self.0.get(..end)?, self.0.get(end + 1..)?)))
            .ok_or(Flaw::Malformed)?;
        self.0 = rest;
        str::from_utf8(text).map_err(|_| Flaw::Malformed)
    }
}

/// What the server is asked before its own TLS.
pub(super) const ASK_FOR_TLS: [u8; 8] = {
    let [a, b, c, d] = SSL_REQUEST;
    [0, 0, 0, 8, a, b, c, d]
};

/// The message by which a session is refused, with its SQLSTATE.
pub(super) fn refusal(state: &str, text: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    for (field, value) in [
        (b'S', "FATAL"),
        (b'V', "FATAL"),
        (b'C', state),
        (b'M', text),
    ] {
        fields.push(field);
        fields.extend_from_slice(value.as_bytes());
        fields.push(0);
    }
    fields.push(0);
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    let mut message = vec![b'E'];
    message.extend_from_slice(&length.to_be_bytes());
    message.append(&mut fields);
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A startup message of these parameters.
    fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
        let mut rest = vec![0, 3, 0, 0];
        for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
            rest.extend_from_slice(text.as_bytes());
            rest.push(0);
        }
        rest.push(0);
        framed(&rest)
    }

    fn framed(rest: &[u8]) -> Vec<u8> {
        let length = u32::try_from(rest.len() + 4).unwrap();
        [&length.to_be_bytes(), rest].concat()
    }

    fn names(message: Vec<u8>) -> Result<(String, String), Flaw> {
        match parse(message)? {
            First::Startup(startup) => Ok((startup.user, startup.database)),
            First::Cancel(_) => panic!("no startup"),
        }
    }

    #[test]
    fn a_startup_names_its_user_and_its_database_or_the_one_that_is_named_like_the_user() {
        let said = |user: &str, database: &str| Ok((user.to_owned(), database.to_owned()));
        let both = [("database", "legacy"), ("user", "zoe")];
        assert_eq!(names(startup(&both)), said("zoe", "legacy"));
        assert_eq!(names(startup(&[("user", "zoe")])), said("zoe", "zoe"));
        let empty = [("user", "zoe"), ("database", "")];
        assert_eq!(names(startup(&empty)), said("zoe", "zoe"));
        let other_minor = framed(b"\0\x03\0\x02user\0zoe\0_pq_.x\0y\0\0");
        assert_eq!(names(other_minor), said("zoe", "zoe"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for parameters in [
            &[("user", "zoe"), ("user", "root")][..],
            &[("user", "zoe"), ("database", "a"), ("database", "b")],
            &[("database", "legacy")],
            &[("user", "")],
        ] {
            assert_eq!(names(startup(parameters)), Err(Flaw::Malformed));
        }
        for rest in [
            &b"\0\x03\0\0user\0zoe\0\0more"[..],
            b"\0\x03\0\0user\0zoe\0",
            b"\0\x03\0\0user\0zoe",
            b"\0\x03\0\0user\0z\xff\0\0",
            b"\0\x02\0\0user\0zoe\0\0",
            b"\0\x03\0\0",
            b"\0\x03",
        ] {
            assert_eq!(names(framed(rest)), Err(Flaw::Malformed), "{rest:?}");
        }
        let replication = [("user", "zoe"), ("replication", "database")];
        assert_eq!(names(startup(&replication)), Err(Flaw::Replication));
    }

    async fn opening(sent: &[u8]) -> (Result<Opening, Flaw>, Vec<u8>) {
        let (mut client, mut door) = tokio::io::duplex(1024);
        client.write_all(sent).await.unwrap();
        let first = sent.first().copied().unwrap();
        let opening = until_tls(&mut door, first).await.unwrap();
        drop(door);
        let mut answered = Vec::new();
        client.read_to_end(&mut answered).await.unwrap();
        (opening, answered)
    }

    #[tokio::test]
    async fn tls_is_begun_or_asked_for_and_nothing_else_is_answered() {
        let ssl = framed(&SSL_REQUEST);
        let gss = framed(&GSSENC_REQUEST);
        let asked = |answer: &[u8]| (Ok(Opening::Asked), answer.to_vec());
        assert_eq!(opening(&ssl).await, asked(b"S"));
        assert_eq!(opening(&[gss.clone(), ssl].concat()).await, asked(b"NS"));
        assert_eq!(
            opening(&[gss.clone(), gss].concat()).await,
            (Err(Flaw::Malformed), b"NN".to_vec())
        );
        assert_eq!(opening(&[0x16, 3, 1]).await, (Ok(Opening::Direct), vec![]));
        let cancel = framed(&[&CANCEL_REQUEST[..], &[0; 8]].concat());
        for plain in [startup(&[("user", "zoe")]), cancel] {
            assert_eq!(opening(&plain).await, (Err(Flaw::Plain), vec![]));
        }
        let http = opening(b"GET / HTTP/1.1\r\n").await;
        assert_eq!(http, (Err(Flaw::Malformed), vec![]));
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_or_too_short_is_not_read() {
        for length in [0_u32, 7, 10_001, u32::MAX] {
            let sent = length.to_be_bytes();
            let read = first(&mut &sent[..]).await.unwrap();
            assert_eq!(read, Err(Flaw::Malformed), "{length}");
        }
    }

    proptest! {
        #[test]
        fn whoever_is_named_is_who_the_message_names_and_nothing_panics(
            user in "[^\0]{1,40}",
            database in "[^\0]{1,40}",
            noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let message = startup(&[("user", &user), ("database", &database)]);
            prop_assert_eq!(names(message.clone()), Ok((user, database)));
            if let Ok(First::Startup(startup)) = parse(message.clone()) {
                prop_assert_eq!(startup.message, message, "it goes on as it came");
            }
            drop(parse(framed(&noise)));
            drop(parse(noise));
        }
    }
}

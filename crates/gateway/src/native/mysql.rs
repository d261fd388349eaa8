//! The beginning of a session in MySQL's own words (protocol 10, "Connection Phase" in its manual), and afterwards the
//! one byte of each command.
//!
//! Here the server speaks first, so the door does: strangers who hang up would otherwise be counted by the server, until it
//! lets nobody in (`max_connect_errors`). What the client answers to the door's own challenge is worth nothing to the
//! server, so the server is told of a way to authenticate that it does not know, and asks the client anew.
//!
//! An attacker wants to become another user once the session has begun, or to hide what is asked for by compression;
//! neither is passed on.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of a handshake packet that are read.
const HANDSHAKE_BYTES: usize = 16 * 1024;

/// The capabilities of a session, as the protocol numbers them.
mod capability {
    pub(super) const CONNECT_WITH_DB: u32 = 1 << 3;
    pub(super) const PROTOCOL_41: u32 = 1 << 9;
    pub(super) const SSL: u32 = 1 << 11;
    pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(super) const PLUGIN_AUTH: u32 = 1 << 19;
    pub(super) const CONNECT_ATTRS: u32 = 1 << 20;
    pub(super) const PLUGIN_AUTH_LENENC: u32 = 1 << 21;
    /// `LONG_PASSWORD`, `FOUND_ROWS`, `LONG_FLAG`, `IGNORE_SPACE`, `INTERACTIVE`, `TRANSACTIONS`, `MULTI_STATEMENTS`,
    /// `MULTI_RESULTS`, `PS_MULTI_RESULTS`.
    pub(super) const HARMLESS: u32 =
        1 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 10 | 1 << 13 | 1 << 16 | 1 << 17 | 1 << 18;
    /// What a session must have.
    pub(super) const NEEDED: u32 = PROTOCOL_41 | SSL | SECURE_CONNECTION | PLUGIN_AUTH;
    /// What a session may have: every server of the last ten years knows it. Not among them: compression, files of the
    /// client, what MariaDB has of its own.
    pub(super) const OFFERED: u32 =
        NEEDED | CONNECT_WITH_DB | CONNECT_ATTRS | PLUGIN_AUTH_LENENC | HARMLESS;
}

/// The way to authenticate that no server knows, so that each asks anew.
const NO_PLUGIN: &[u8] = b"lychgate_asks_anew\0";

/// The commands that are not passed on: those of replication, and the change of the user.
const REFUSED_COMMANDS: [u8; 4] = [0x11, 0x12, 0x15, 0x1e];

/// The command that changes the database, by which it is followed.
const INIT_DB: u8 = 0x02;

/// The length at which a packet goes on in the next one.
const FULL_PACKET: usize = 0xff_ffff;

/// Why there is no session. Each has a word for the audit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A packet is not one of the protocol, or could be read in two ways.
    Malformed,
    /// It did not come in TLS.
    Plain,
    /// It lacks what a session must have.
    Unfit,
    /// The server lacks something that every server has.
    Server,
}

impl Flaw {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-handshake",
            Self::Plain => "no-tls",
            Self::Unfit => "capability-missing",
            Self::Server => "unfit-upstream",
        }
    }
}

/// Who begins a session, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    /// Without one a session has none until it asks.
    pub(super) database: Option<String>,
    capabilities: u32,
    /// The longest packet and the character set, as they came.
    sizes: [u8; 5],
    attributes: Option<Vec<u8>>,
}

/// The greeting of the door.
pub(super) fn greeting(challenge: [u8; 20]) -> Vec<u8> {
    let challenge = challenge.map(|byte| (byte & 0x3f) | 0x40);
    let (one, two) = challenge.split_at(8);
    let [low_1, low_2, high_1, high_2] = capability::OFFERED.to_le_bytes();
    let mut payload = vec![10];
    payload.extend_from_slice(b"8.0.0-lychgate\0");
    payload.extend_from_slice(&[0; 4]);
    payload.extend_from_slice(one);
    payload.extend_from_slice(&[0, low_1, low_2, 255, 2, 0, high_1, high_2, 21]);
    payload.extend_from_slice(&[0; 10]);
    payload.extend_from_slice(two);
    payload.push(0);
    payload.extend_from_slice(b"mysql_native_password\0");
    packet(0, &payload)
}

/// One packet of a handshake with this number.
pub(super) async fn read_packet<S>(stream: &mut S, number: u8) -> io::Result<Result<Vec<u8>, Flaw>>
where
    S: AsyncRead + Unpin,
{
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let [low, middle, high, sequence] = header;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    if sequence != number || length > HANDSHAKE_BYTES {
        return Ok(Err(Flaw::Malformed));
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    Ok(Ok(payload))
}

/// A packet with this number.
fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    let [low, middle, high, _] = length;
    let mut packet = vec![low, middle, high, number];
    packet.extend_from_slice(payload);
    packet
}

/// The request for TLS: all that a client may say before it.
pub(super) fn read_tls_request(payload: &[u8]) -> Result<(), Flaw> {
    let (capabilities, _) = head_of(payload)?;
    if capabilities & capability::SSL == 0 {
        return Err(Flaw::Plain);
    }
    if payload.len() == HEAD_BYTES {
        Ok(())
    } else {
        Err(Flaw::Malformed)
    }
}

/// Bytes of a response before the name of its user.
const HEAD_BYTES: usize = 32;

/// Capabilities, then sizes; all else is nought.
fn head_of(payload: &[u8]) -> Result<(u32, [u8; 5]), Flaw> {
    let head = payload.first_chunk::<HEAD_BYTES>().ok_or(Flaw::Malformed)?;
    let (capabilities, rest) = head.split_first_chunk::<4>().ok_or(Flaw::Malformed)?;
    let (sizes, nought) = rest.split_first_chunk::<5>().ok_or(Flaw::Malformed)?;
    let capabilities = u32::from_le_bytes(*capabilities);
    if nought.iter().any(|byte| *byte != 0) || capabilities & capability::PROTOCOL_41 == 0 {
        return Err(Flaw::Malformed);
    }
    Ok((capabilities, *sizes))
}

impl Login {
    /// Reads the response to the greeting, inside TLS.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Flaw> {
        let (capabilities, sizes) = head_of(payload)?;
        let has = |one: u32| capabilities & one == one;
        if !has(capability::NEEDED) {
            return Err(Flaw::Unfit);
        }
        let mut rest = Rest(payload.get(HEAD_BYTES..).unwrap_or_default());
        let user = rest.text()?;
        // What answers the door's challenge proves nothing to the server.
        if has(capability::PLUGIN_AUTH_LENENC) {
            rest.counted()?;
        } else {
            let length = rest.byte()?;
            rest.bytes(length.into())?;
        }
        let database = has(capability::CONNECT_WITH_DB).then(|| rest.text());
        rest.text()?;
        let attributes = has(capability::CONNECT_ATTRS).then(|| rest.counted());
        let login = Self {
            user,
            database: database.transpose()?.filter(|name| !name.is_empty()),
            // Clients say what they can do, offered or not; what counts is what both have said.
            capabilities: capabilities & capability::OFFERED,
            sizes,
            attributes: attributes.transpose()?.map(<[u8]>::to_vec),
        };
        if rest.0.is_empty() {
            Ok(login)
        } else {
            Err(Flaw::Malformed)
        }
    }

    /// The request for TLS of the same session, for the server.
    pub(super) fn tls_request(&self) -> Vec<u8> {
        packet(1, &self.head())
    }

    /// The same response, with a proof that is none, for the server.
    pub(super) fn response(&self) -> Vec<u8> {
        let mut payload = self.head();
        payload.extend_from_slice(self.user.as_bytes());
        // The end of the name, and a proof of no bytes.
        payload.extend_from_slice(&[0, 0]);
        if self.sent_capabilities() & capability::CONNECT_WITH_DB != 0 {
            payload.extend_from_slice(self.database.as_deref().unwrap_or_default().as_bytes());
            payload.push(0);
        }
        payload.extend_from_slice(NO_PLUGIN);
        if let Some(attributes) = &self.attributes {
            payload.extend_from_slice(&count_of(attributes.len()));
            payload.extend_from_slice(attributes);
        }
        packet(2, &payload)
    }

    fn sent_capabilities(&self) -> u32 {
        match self.database {
            Some(_) => self.capabilities,
            None => self.capabilities & !capability::CONNECT_WITH_DB,
        }
    }

    fn head(&self) -> Vec<u8> {
        let mut head = self.sent_capabilities().to_le_bytes().to_vec();
        head.extend_from_slice(&self.sizes);
        head.resize(HEAD_BYTES, 0);
        head
    }
}

/// Whether a server that greets so has what a session may have.
pub(super) fn is_fit(greeting: &[u8]) -> Result<(), Flaw> {
    let mut rest = Rest(greeting);
    let read = |rest: &mut Rest<'_>| {
        let version = rest.byte()?;
        rest.until_nought()?;
        // The connection, half of the challenge, a nought.
        rest.bytes(13)?;
        let low = rest.bytes(2)?;
        rest.bytes(3)?;
        let high = rest.bytes(2)?;
        let capabilities: Vec<u8> = [low, high].concat();
        let capabilities = capabilities.first_chunk().copied().ok_or(Flaw::Malformed)?;
        Ok::<_, Flaw>((version, u32::from_le_bytes(capabilities)))
    };
    match read(&mut rest) {
        // What MariaDB means by the first bit is that it is not MariaDB.
        Ok((10, has)) if (capability::OFFERED & !1) & !has == 0 => Ok(()),
        Ok(_) | Err(_) => Err(Flaw::Server),
    }
}

/// The packet by which a session is refused: 1045, SQLSTATE 28000.
pub(super) fn refusal(number: u8, text: &str) -> Vec<u8> {
    let mut payload = vec![0xff];
    payload.extend_from_slice(&1045_u16.to_le_bytes());
    payload.extend_from_slice(b"#28000");
    payload.extend_from_slice(text.as_bytes());
    packet(number, &payload)
}

/// A length as it stands before what it counts.
fn count_of(length: usize) -> Vec<u8> {
    match u16::try_from(length) {
        Ok(short) if short < 251 => short.to_le_bytes().first().copied().into_iter().collect(),
        Ok(long) => [&[0xfc][..], &long.to_le_bytes()].concat(),
        Err(_) => Vec::new(),
    }
}

/// What was not read yet of a packet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Flaw> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Flaw::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, Flaw> {
        self.bytes(1)?.first().copied().ok_or(Flaw::Malformed)
    }

    fn until_nought(&mut self) -> Result<&'a [u8], Flaw> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = self.bytes(end.ok_or(Flaw::Malformed)?)?;
        self.bytes(1)?;
        Ok(text)
    }

    fn text(&mut self) -> Result<String, Flaw> {
        let text = str::from_utf8(self.until_nought()?);
        text.map(str::to_owned).map_err(|_| Flaw::Malformed)
    }

    /// What stands behind its own length, in the shortest form of that; a packet of a handshake has no longer one.
    fn counted(&mut self) -> Result<&'a [u8], Flaw> {
        let length = match self.byte()? {
            short @ 0..=250 => short.into(),
            0xfc => match *self.bytes(2)? {
                [low, high] => usize::from(u16::from_le_bytes([low, high])),
                _ => return Err(Flaw::Malformed),
            },
            _ => return Err(Flaw::Malformed),
        };
        self.bytes(length)
    }
}

/// Follows what a client sends, packet by packet, and looks at the first byte of each command.
#[derive(Default)]
pub(super) struct Commands {
    /// What of a header has come.
    header: Vec<u8>,
    /// Bytes of a packet that are still to come.
    left: usize,
    /// Whether the packet is one that begins a command, whose first byte is still to come.
    begins: bool,
    /// Whether the packet before was full, so that this one goes on with it.
    goes_on: bool,
    /// The name of a database that is being read.
    database: Option<Vec<u8>>,
}

impl Commands {
    /// Whether all of this may be passed on; `is_allowed` says it of a database.
    pub(super) fn may_pass(&mut self, mut bytes: &[u8], is_allowed: impl Fn(&str) -> bool) -> bool {
        while !bytes.is_empty() {
            if self.left == 0 {
                let missing = 4 - self.header.len();
                let (more, rest) = bytes.split_at(missing.min(bytes.len()));
                self.header.extend_from_slice(more);
                bytes = rest;
                if let [low, middle, high, number] = *self.header {
                    self.header.clear();
                    let length =
                        usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
                    self.left = length;
                    self.begins = number == 0 && !self.goes_on;
                    self.goes_on = length == FULL_PACKET;
                }
                continue;
            }
            let (part, rest) = bytes.split_at(self.left.min(bytes.len()));
            bytes = rest;
            self.left -= part.len();
            if !self.may_pass_part(part, &is_allowed) {
                return false;
            }
        }
        true
    }

    fn may_pass_part(&mut self, mut part: &[u8], is_allowed: &impl Fn(&str) -> bool) -> bool {
        if self.begins
            && let Some((command, rest)) = part.split_first()
        {
            self.begins = false;
            if REFUSED_COMMANDS.contains(command) {
                return false;
            }
            if *command == INIT_DB {
                self.database = Some(Vec::new());
            }
            part = rest;
        }
        let Some(name) = &mut self.database else {
            return true;
        };
        name.extend_from_slice(part);
        if self.left > 0 {
            // No name of a database is longer than this.
            return name.len() <= 1024;
        }
        let name = self.database.take().unwrap_or_default();
        str::from_utf8(&name).is_ok_and(is_allowed)
    }
}

#[cfg(test)]
mod tests;

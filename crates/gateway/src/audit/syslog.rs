//! The system's log as a destination: RFC 5424, over its Unix socket, or over TCP to a relay on this machine.
//!
//! A datagram is a line; in a stream a line is counted off (RFC 6587 §3.4.1). Nobody can read back what was written there,
//! so each start begins a chain of its own.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lychgate_token::UnixTime;

use super::line::rfc_3339;
use crate::error::Error;
use crate::settings::LoopbackAddress;

/// How long the system's log may take to take a line.
const DEADLINE: Duration = Duration::from_secs(4);

/// Log audit (RFC 5424 §6.2.1).
const FACILITY: u8 = 13;

/// Severities (RFC 5424 §6.2.1).
const ALERT: u8 = 1;
const INFORMATIONAL: u8 = 6;

/// Where the system's log takes lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogAddress {
    /// Its Unix socket, of datagrams or a stream.
    Socket(PathBuf),
    /// A relay on this machine, over TCP.
    Tcp(LoopbackAddress),
}

/// A connection to it, made anew when it breaks.
pub(super) struct Syslog {
    address: SyslogAddress,
    connection: Option<Connection>,
}

enum Connection {
    Datagrams(UnixDatagram),
    Stream(Box<dyn Write + Send>),
}

impl SyslogAddress {
    /// `/dev/log`, or `tcp://127.0.0.1:601`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(address) = text.strip_prefix("tcp://") {
            let address = address.parse().map_err(|_| Error::AuditSyslogAddress)?;
            return Ok(Self::Tcp(LoopbackAddress::new(address)?));
        }
        let path = Path::new(text);
        if path.is_absolute() {
            Ok(Self::Socket(path.to_owned()))
        } else {
            Err(Error::AuditSyslogAddress)
        }
    }
}

impl Syslog {
    pub(super) fn open(address: SyslogAddress) -> Result<Self, Error> {
        let connection = Connection::open(&address).map_err(Error::AuditSyslog)?;
        Ok(Self {
            address,
            connection: Some(connection),
        })
    }

    /// Sends these lines, one after the other: how many were sent, and why no more.
    pub(super) fn send<'line>(
        &mut self,
        lines: impl Iterator<Item = &'line [u8]>,
    ) -> (usize, io::Result<()>) {
        let now = rfc_3339(UnixTime::now());
        let mut sent = 0;
        for line in lines {
            if let Err(error) = self.send_one(&message(line, &now)) {
                // What is left of a stream behind half a line means nothing.
                self.connection = None;
                return (sent, Err(error));
            }
            sent += 1;
        }
        (sent, Ok(()))
    }

    fn send_one(&mut self, message: &[u8]) -> io::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.address)?),
        };
        match connection {
            Connection::Datagrams(socket) => socket.send(message).map(|_| ()),
            Connection::Stream(stream) => {
                let counted = [format!("{} ", message.len()).as_bytes(), message].concat();
                stream.write_all(&counted)?;
                stream.flush()
            }
        }
    }
}

impl Connection {
    fn open(address: &SyslogAddress) -> io::Result<Self> {
        let path = match address {
            SyslogAddress::Tcp(address) => {
                let stream = TcpStream::connect_timeout(&address.address(), DEADLINE)?;
                stream.set_write_timeout(Some(DEADLINE))?;
                return Ok(Self::Stream(Box::new(stream)));
            }
            SyslogAddress::Socket(path) => path,
        };
        let datagrams = UnixDatagram::unbound()?;
        match datagrams.connect(path) {
            Ok(()) => {
                datagrams.set_write_timeout(Some(DEADLINE))?;
                Ok(Self::Datagrams(datagrams))
            }
            // The socket is there, and of the other kind.
            Err(error) if error.raw_os_error() == Some(PROTOTYPE) => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(DEADLINE))?;
                Ok(Self::Stream(Box::new(stream)))
            }
            Err(error) => Err(error),
        }
    }
}

/// `EPROTOTYPE`, as Linux numbers it.
const PROTOTYPE: i32 = 91;

/// A line as a message (RFC 5424 §6): its event is the id of the message.
fn message(line: &[u8], now: &str) -> Vec<u8> {
    let event = event_of(line);
    let severity = if event == "canary" {
        ALERT
    } else {
        INFORMATIONAL
    };
    let priority = FACILITY * 8 + severity;
    let process = std::process::id();
    let mut message = format!("<{priority}>1 {now} - lychgate {process} {event} - ").into_bytes();
    message.extend_from_slice(line);
    message
}

/// The event of a line; the nil value for what has none.
fn event_of(line: &[u8]) -> &str {
    let event = || {
        let text = std::str::from_utf8(line).ok()?;
        let (_, after) = text.split_once("\"event\":\"")?;
        after.split_once('"').map(|(event, _)| event)
    };
    event().unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    const LINE: &[u8] = b"{\"sequence\":1,\"event\":\"answer\"}";

    fn send(syslog: &mut Syslog, lines: &[&[u8]]) -> usize {
        let (sent, outcome) = syslog.send(lines.iter().copied());
        outcome.unwrap();
        sent
    }

    #[test]
    fn a_line_is_a_message_of_the_log_audit_facility() {
        let message = message(LINE, "2026-12-01T00:00:00Z");
        let process = std::process::id();
        let expected = format!(
            "<110>1 2026-12-01T00:00:00Z - lychgate {process} answer - {{\"sequence\":1,\"event\":\"answer\"}}"
        );
        assert_eq!(String::from_utf8(message).unwrap(), expected);
        let alert = super::message(b"{\"event\":\"canary\"}", "-");
        assert!(alert.starts_with(b"<105>1 "));
        assert_eq!(event_of(b"nothing"), "-");
    }

    #[test]
    fn a_socket_of_datagrams_takes_a_line_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::open(SyslogAddress::Socket(path)).unwrap();
        assert_eq!(send(&mut syslog, &[LINE, LINE]), 2);
        for _ in 0..2 {
            let mut message = [0; 1024];
            let length = log.recv(&mut message).unwrap();
            assert!(message[..length].ends_with(LINE));
        }
    }

    #[test]
    fn in_a_stream_lines_are_counted_off_and_a_broken_one_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixListener::bind(&path).unwrap();
        let mut syslog = Syslog::open(SyslogAddress::Socket(path)).unwrap();
        let (first, _) = listener.accept().unwrap();
        drop(first);
        // Nobody reads what the first stream was for; the line after it goes over the next.
        let lost = std::iter::repeat_n(LINE, 1);
        assert!(syslog.send(lost).1.is_err());
        assert_eq!(send(&mut syslog, &[LINE]), 1);
        drop(syslog);
        let (mut second, _) = listener.accept().unwrap();
        let mut text = String::new();
        second.read_to_string(&mut text).unwrap();
        let (count, message) = text.split_once(' ').unwrap();
        assert_eq!(count.parse::<usize>().unwrap(), message.len());
        assert!(message.as_bytes().ends_with(LINE));
    }

    #[test]
    fn a_relay_is_on_this_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let mut syslog = Syslog::open(SyslogAddress::parse(&address).unwrap()).unwrap();
        assert_eq!(send(&mut syslog, &[LINE]), 1);
        for address in [
            "tcp://192.0.2.1:601",
            "tcp://localhost:601",
            "log",
            "",
            "udp://127.0.0.1:514",
        ] {
            assert!(SyslogAddress::parse(address).is_err(), "{address}");
        }
    }
}

//! Bytes from one end to the other and back, within their bounds.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::NativeLimits;
use super::room::GOODBYE;

/// Bytes that are read at once.
const BUFFER: usize = 16 * 1024;

/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Bytes of the client.
    pub(super) from_client: u64,
    /// Bytes of the server.
    pub(super) from_server: u64,
    /// Why it ended, if not by either end.
    pub(super) cut: Option<Cut>,
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing was said for too long.
    Idle,
    /// Too much was said.
    Bytes,
    /// A command was not one to pass on.
    Command,
    /// The gateway stops.
    Stop,
}

impl Cut {
    /// Its word in the audit line.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Bytes => "too-many-bytes",
            Self::Command => "command-not-allowed",
            Self::Stop => "stopping",
        }
    }
}

/// Passes bytes on until an end closes, a bound is reached, or `stop`. `may_pass` sees what the client says first.
pub(super) async fn relay(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    limits: NativeLimits,
    may_pass: impl FnMut(&[u8]) -> bool,
    stop: &CancellationToken,
) -> Passed {
    let (mut client_says, mut client_hears) = tokio::io::split(client);
    let (mut server_says, mut server_hears) = tokio::io::split(server);
    let (from_client, from_server) = (AtomicU64::new(0), AtomicU64::new(0));
    let is_too_much = || {
        from_client.load(Ordering::Relaxed) + from_server.load(Ordering::Relaxed)
            > limits.session_bytes
    };
    let cut = {
        let there = pump(
            &mut client_says,
            &mut server_hears,
            (&from_client, &is_too_much),
            may_pass,
        );
        let back = pump(
            &mut server_says,
            &mut client_hears,
            (&from_server, &is_too_much),
            |_| true,
        );
        tokio::select! {
            cut = there => cut,
            cut = back => cut,
            () = silence(&from_client, &from_server, limits) => Some(Cut::Idle),
            () = stop.cancelled() => Some(Cut::Stop),
        }
    };
    let goodbye = async {
        drop(client_hears.shutdown().await);
        drop(server_hears.shutdown().await);
    };
    drop(timeout(GOODBYE, goodbye).await);
    Passed {
        from_client: from_client.into_inner(),
        from_server: from_server.into_inner(),
        cut,
    }
}

/// One direction, to its end.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    (count, is_too_much): (&AtomicU64, &impl Fn() -> bool),
    mut may_pass: impl FnMut(&[u8]) -> bool,
) -> Option<Cut> {
    let mut buffer = vec![0; BUFFER];
    loop {
        // An end that is torn off is an end.
        let Ok(length @ 1..) = from.read(&mut buffer).await else {
            return None;
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        count.fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Ordering::Relaxed);
        if is_too_much() {
            return Some(Cut::Bytes);
        }
        if !may_pass(bytes) {
            return Some(Cut::Command);
        }
        if passed_on(to, bytes).await.is_err() {
            return None;
        }
    }
}

async fn passed_on(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

/// Returns once nothing was said, either way, for at least as long as a session may be idle, and at most twice that.
async fn silence(from_client: &AtomicU64, from_server: &AtomicU64, limits: NativeLimits) {
    let said = || {
        (
            from_client.load(Ordering::Relaxed),
            from_server.load(Ordering::Relaxed),
        )
    };
    let mut before = said();
    loop {
        sleep(limits.idle).await;
        let now = said();
        if now == before {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    /// A relay between two ends.
    fn started(limits: NativeLimits) -> (DuplexStream, DuplexStream, JoinHandle<Passed>) {
        let ((client, here), (there, server)) = (duplex(64), duplex(64));
        let relaying = tokio::spawn(async move {
            let stop = CancellationToken::new();
            let may_pass = |bytes: &[u8]| !bytes.contains(&b'!');
            relay(here, there, limits, may_pass, &stop).await
        });
        (client, server, relaying)
    }

    async fn hears(end: &mut DuplexStream, text: &[u8]) {
        let mut heard = vec![0; text.len()];
        end.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, text);
    }

    #[tokio::test]
    async fn bytes_go_both_ways_at_once_until_an_end_closes() {
        let (client, server, relaying) = started(NativeLimits::default());
        let text = vec![b'x'; 100_000];
        let both = |mut end: DuplexStream| {
            let text = text.clone();
            async move {
                let (mut reading, mut writing) = tokio::io::split(&mut end);
                let mut heard = vec![0; text.len()];
                let (sent, read) =
                    tokio::join!(writing.write_all(&text), reading.read_exact(&mut heard));
                sent.unwrap();
                read.unwrap();
                assert_eq!(heard, text);
                end
            }
        };
        let (client, mut server) = tokio::join!(both(client), both(server));
        drop(client);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        let passed = relaying.await.unwrap();
        assert_eq!(
            (passed.from_client, passed.from_server, passed.cut),
            (100_000, 100_000, None)
        );
    }

    #[tokio::test]
    async fn what_may_not_pass_ends_the_session_unheard() {
        let (mut client, mut server, relaying) = started(NativeLimits::default());
        client.write_all(b"good").await.unwrap();
        hears(&mut server, b"good").await;
        client.write_all(b"bad!").await.unwrap();
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(relaying.await.unwrap().cut, Some(Cut::Command));
    }

    #[tokio::test]
    async fn a_session_ends_at_its_last_byte_and_when_nobody_speaks() {
        let limits = NativeLimits {
            session_bytes: 8,
            ..NativeLimits::default()
        };
        let (mut client, mut server, relaying) = started(limits);
        client.write_all(b"1234").await.unwrap();
        hears(&mut server, b"1234").await;
        server.write_all(b"5678").await.unwrap();
        hears(&mut client, b"5678").await;
        server.write_all(b"9").await.unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(relaying.await.unwrap().cut, Some(Cut::Bytes));

        let limits = NativeLimits {
            idle: Duration::from_millis(10),
            ..NativeLimits::default()
        };
        let (mut client, _server, relaying) = started(limits);
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(relaying.await.unwrap().cut, Some(Cut::Idle));
    }
}

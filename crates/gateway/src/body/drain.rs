//! A refused body is read and thrown away, so that the answer arrives: a socket that is closed over unread bytes resets
//! the connection, and the caller sees the reset instead of the reason.

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use super::BodyLimits;

/// Reads what is left of a body, within its bounds of bytes and time.
pub(crate) async fn drain<B>(body: &mut B, limits: BodyLimits)
where
    B: Body<Data = Bytes> + Unpin,
{
    let deadline = Instant::now() + limits.drain;
    let mut left = limits.drained_bytes;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

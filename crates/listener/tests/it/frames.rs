//! HTTP/2 as bytes: the frames of RFC 9113 §4.1, written and read by hand.

/// RFC 9113 §3.4, then an empty SETTINGS frame.
pub(crate) const PREFACE_AND_SETTINGS: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
// RFC 9113 §6
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 0x01;
pub(crate) const END_STREAM_AND_HEADERS: u8 = 0x05;
// RFC 9113 §7
pub(crate) const ENHANCE_YOUR_CALM: u32 = 0x0b;
/// HPACK (RFC 7541 A): GET, http, /, and the authority `x`.
pub(crate) const GET: [u8; 6] = [0x82, 0x86, 0x84, 0x41, 1, b'x'];

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

/// The complete frames of `bytes`.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _flags, _, _, _, _, rest @ ..] = bytes {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        frames.push(Frame {
            kind: *kind,
            payload: payload.to_vec(),
        });
        bytes = rest;
    }
    frames
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

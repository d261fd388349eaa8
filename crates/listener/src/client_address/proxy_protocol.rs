//! The PROXY protocol, versions 1 and 2 (`proxy-protocol.txt` of `HAProxy`): a header before the first byte of TLS.
//!
//! It is read byte for byte as far as it goes and not one byte further. A connection that begins with anything else ends
//! here: the header is never optional, or whoever leaves it out would be taken for the proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What a PROXY header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// The proxy speaks for this client.
    Client(SocketAddr),
    /// The proxy speaks for itself, as in a health check, or does not know.
    Proxy,
}

/// Reads a header of either version.
pub(crate) async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Header> {
    let mut beginning = [0; SIGNATURE.len()];
    stream.read_exact(&mut beginning).await?;
    if beginning == SIGNATURE {
        read_binary(stream).await
    } else if beginning.starts_with(b"PROXY ") {
        read_text(stream, &beginning).await
    } else {
        Err(malformed("it begins with no PROXY header"))
    }
}

/// Version 1: a line of at most 107 bytes.
async fn read_text(stream: &mut (impl AsyncRead + Unpin), beginning: &[u8]) -> io::Result<Header> {
    let mut line = beginning.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() == LONGEST_LINE {
            return Err(malformed("its line is too long"));
        }
        line.push(stream.read_u8().await?);
    }
    let line = std::str::from_utf8(&line)
        .ok()
        .and_then(|line| line.strip_suffix("\r\n"));
    line.and_then(text)
        .ok_or(malformed("its line says nothing that is known"))
}

fn text(line: &str) -> Option<Header> {
    let mut words = line.split(' ');
    let mut word = || words.next();
    let ("PROXY", family) = (word()?, word()?) else {
        return None;
    };
    if family == "UNKNOWN" {
        return Some(Header::Proxy); // What follows is to be passed over.
    }
    let (source, destination) = (word()?, word()?);
    let (port, _destination_port) = (number(word()?)?, number(word()?)?);
    let address = match family {
        "TCP4" => {
            destination.parse::<Ipv4Addr>().ok()?;
            IpAddr::V4(source.parse().ok()?)
        }
        "TCP6" => {
            destination.parse::<Ipv6Addr>().ok()?;
            IpAddr::V6(source.parse().ok()?)
        }
        _ => return None,
    };
    word()
        .is_none()
        .then_some(Header::Client(SocketAddr::new(address, port)))
}

/// A port without sign or leading zeros.
fn number(word: &str) -> Option<u16> {
    let number: u16 = word.parse().ok()?;
    (number.to_string() == word).then_some(number)
}

/// Version 2: four bytes that say what comes, and as many bytes as they say.
async fn read_binary(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Header> {
    let [version_and_command, family, high, low] = {
        let mut head = [0; 4];
        stream.read_exact(&mut head).await?;
        head
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_BINARY {
        return Err(malformed("its binary header is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    binary(version_and_command, family, &body)
        .ok_or(malformed("its binary header says nothing that is known"))
}

fn binary(version_and_command: u8, family: u8, body: &[u8]) -> Option<Header> {
    match (version_and_command, family) {
        (LOCAL, _) | (PROXY, UNSPECIFIED) => Some(Header::Proxy),
        (PROXY, TCP_OVER_IPV4) => {
            let (source, rest) = body.split_first_chunk::<4>()?;
            let (_destination, rest) = rest.split_first_chunk::<4>()?;
            client(IpAddr::from(*source), rest)
        }
        (PROXY, TCP_OVER_IPV6) => {
            let (source, rest) = body.split_first_chunk::<16>()?;
            let (_destination, rest) = rest.split_first_chunk::<16>()?;
            client(IpAddr::from(*source), rest)
        }
        _ => None,
    }
}

/// Both ports; what comes behind them (TLVs) says nothing about addresses.
fn client(address: IpAddr, ports: &[u8]) -> Option<Header> {
    let ([high, low, _, _], _) = ports.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([*high, *low]);
    Some(Header::Client(SocketAddr::new(address, port)))
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// Of version 1, its closing bytes included.
const LONGEST_LINE: usize = 107;

/// Of what follows the sixteenth byte of version 2: addresses, and room for what clouds add behind them.
const LONGEST_BINARY: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is read, and what is left for TLS.
    fn read(bytes: &[u8]) -> (Option<Header>, usize) {
        let mut rest = bytes;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let header = runtime.block_on(read_header(&mut rest)).ok();
        (header, rest.len())
    }

    fn client(address: &str) -> Header {
        Header::Client(address.parse().unwrap())
    }

    fn version_2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, body].concat()
    }

    /// The examples of `proxy-protocol.txt` §2.1, each followed by the first bytes of TLS.
    #[test]
    fn a_line_of_version_1_is_read_and_nothing_behind_it() {
        for (line, expected) in [
            (
                "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
                client("192.168.0.1:56324"),
            ),
            (
                "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                client("255.255.255.255:65535"),
            ),
            (
                "PROXY TCP6 ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535\r\n",
                client("[ffff:f:f:f:f:f:f:f]:65535"),
            ),
            ("PROXY UNKNOWN\r\n", Header::Proxy),
            (
                "PROXY UNKNOWN ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535\r\n",
                Header::Proxy,
            ),
        ] {
            let bytes = [line.as_bytes(), b"\x16\x03\x01"].concat();
            assert_eq!(read(&bytes), (Some(expected), 3), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_not_to_the_letter_is_none() {
        for line in [
            "PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 1\r\n",
            "PROXY TCP4  192.168.0.1 192.168.0.11 56324 443\r\n",
            "PROXY TCP4 192.168.000.1 192.168.0.11 56324 443\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 +1 443\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
            "PROXY TCP4 ::1 ::1 1 443\r\n",
            "PROXY TCP6 192.168.0.1 192.168.0.11 1 443\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 1 443\n\r\n",
            "PROXY UDP4 192.168.0.1 192.168.0.11 1 443\r\n",
            "proxy TCP4 192.168.0.1 192.168.0.11 1 443\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "PROXY \r\n",
        ] {
            assert_eq!(read(line.as_bytes()).0, None, "{line}");
        }
        let endless = format!("PROXY UNKNOWN {}\r\n", "a".repeat(LONGEST_LINE));
        assert_eq!(read(endless.as_bytes()).0, None);
    }

    #[test]
    fn a_header_of_version_2_is_read_with_what_clouds_add_and_nothing_behind_it() {
        let ports = [0xdc, 0x04, 0x01, 0xbb];
        let v4 = [&[192, 0, 2, 7, 203, 0, 113, 1][..], &ports].concat();
        let v6 = [
            &"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets()[..],
            &[0; 16],
            &ports,
        ]
        .concat();
        let added = [&v4[..], &[0xea, 0x00, 0x02, 1, 2]].concat();
        for (bytes, expected) in [
            (
                version_2(PROXY, TCP_OVER_IPV4, &v4),
                client("192.0.2.7:56324"),
            ),
            (
                version_2(PROXY, TCP_OVER_IPV4, &added),
                client("192.0.2.7:56324"),
            ),
            (
                version_2(PROXY, TCP_OVER_IPV6, &v6),
                client("[2001:db8::7]:56324"),
            ),
            (version_2(LOCAL, 0, &[]), Header::Proxy),
            (version_2(LOCAL, TCP_OVER_IPV4, &v4), Header::Proxy),
            (version_2(PROXY, UNSPECIFIED, &[1, 2, 3]), Header::Proxy),
        ] {
            let bytes = [&bytes[..], b"\x16\x03\x01"].concat();
            assert_eq!(read(&bytes), (Some(expected), 3));
        }
    }

    #[test]
    fn a_binary_header_of_another_version_family_or_length_is_none() {
        let v4 = [192, 0, 2, 7, 203, 0, 113, 1, 0xdc, 0x04, 0x01, 0xbb];
        for bytes in [
            version_2(0x11, TCP_OVER_IPV4, &v4),
            version_2(0x22, TCP_OVER_IPV4, &v4),
            version_2(PROXY, 0x12, &v4),
            version_2(PROXY, 0x31, &[0; 216]),
            version_2(PROXY, TCP_OVER_IPV4, &v4[..11]),
            version_2(PROXY, TCP_OVER_IPV6, &v4),
            version_2(PROXY, UNSPECIFIED, &[0; LONGEST_BINARY + 1]),
            SIGNATURE.to_vec(),
        ] {
            assert_eq!(read(&bytes).0, None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(beginning in 0..3_usize, rest: Vec<u8>) {
            let beginning = [&b""[..], b"PROXY TCP4 ", &SIGNATURE][beginning];
            let _header = read(&[beginning, &rest].concat());
        }

        #[test]
        fn a_line_is_read_as_it_was_written(source: Ipv4Addr, port: u16) {
            let line = format!("PROXY TCP4 {source} 192.0.2.1 {port} 443\r\n");
            let expected = Header::Client(SocketAddr::new(source.into(), port));
            prop_assert_eq!(read(line.as_bytes()), (Some(expected), 0));
        }
    }
}

//! Heads of requests, parsed strictly before hyper parses them.
//!
//! Owns where a request begins and ends on a connection, and the grammar of its head; knows nothing of what is requested.
//! hyper accepts more than the grammar of HTTP: a bare LF as the end of a line, several lengths that agree, and other
//! things that a proxy in front may parse differently, so that the two disagree about where the next request begins
//! (request smuggling). hyper has no switch to reject them. So it only gets heads that are complete and correct, and the
//! bodies that belong to them; it may still reject such a head.
//!
//! | in a head | becomes |
//! | --- | --- |
//! | bare LF, bare CR, NUL and other control characters but the tab; a folded line; a second empty line before it | 400 |
//! | a request line that is not `METHOD target HTTP/1.0` or `1.1` with single spaces and visible ASCII, or has `#` | 400 |
//! | a field without a colon, without a name, or with white space or anything else in its name that is no token | 400 |
//! | `Content-Length` twice, as a list, with a sign, with zeros before it, or of more than 64 bits | 400 |
//! | `Transfer-Encoding` twice, with any other value than `chunked`, or in HTTP/1.0 | 400 |
//! | either of these two with `_` in place of `-` | 400 |
//! | `Host` twice, or none in HTTP/1.1 | 400 |
//! | more than fits | 431 |
//!
//! After a request with a chunked body nothing more is checked on the connection: the service closes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What hyper reads in place of a rejected head, or of all but its first byte. It responds with 400 and closes, after the
/// responses to earlier requests.
const REFUSED: &[u8] = b"\0\r\n\r\n";
/// Most bytes that are read from the connection at one time.
const READ: usize = 4096;

/// The bytes of one connection, and how many of them may be passed on.
#[derive(Debug)]
pub struct Heads {
    /// What has arrived and is still needed: a head as a whole, until it has been checked.
    held: BytesMut,
    /// How many bytes at its beginning have been passed on.
    passed: usize,
    /// How many bytes after those may be passed on.
    ready: usize,
    place: Place,
    largest: usize,
}

/// What the bytes after the ready ones are.
#[derive(Debug)]
enum Place {
    Head {
        /// Bytes of it that have been checked.
        seen: usize,
        /// Whether an empty line came before it.
        after_empty_line: bool,
    },
    Body {
        left: u64,
    },
    /// The body of the last request, however long.
    LastBody,
    /// Nothing more is passed on.
    Ended,
}

impl Place {
    const START: Self = Self::Head {
        seen: 0,
        after_empty_line: false,
    };
}

/// How long the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Bytes(u64),
    Chunked,
}

impl Heads {
    /// For heads of at most that many bytes.
    pub fn new(largest: usize) -> Self {
        Self {
            held: BytesMut::new(),
            passed: 0,
            ready: 0,
            place: Place::START,
            largest,
        }
    }

    /// Adds bytes that have arrived.
    pub fn add(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// What may be passed on now; empty if more must arrive first, or nothing more will be passed on.
    pub fn ready(&mut self) -> &[u8] {
        while self.ready == 0 && self.step() {}
        &self.held[self.passed..self.passed + self.ready]
    }

    /// Removes so many bytes of those that are ready.
    pub fn pass(&mut self, count: usize) {
        self.passed += count;
        self.ready -= count;
        if self.ready == 0 && !matches!(self.place, Place::Head { .. }) {
            self.held.advance(self.passed);
            self.passed = 0;
        }
        if self.held.is_empty() {
            // An idle connection holds no memory here.
            self.held = BytesMut::new();
        }
    }

    /// Whether nothing more will be passed on, whatever arrives.
    pub fn ended(&self) -> bool {
        self.ready == 0 && matches!(self.place, Place::Ended)
    }

    /// Checks what is held, with nothing ready; returns whether anything has changed.
    fn step(&mut self) -> bool {
        match self.place {
            Place::Head {
                seen,
                after_empty_line,
            } => self.check_head(seen, after_empty_line),
            Place::Body { left: 0 } => {
                self.place = Place::START;
                true
            }
            Place::Body { left } => {
                let held = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
                let part = left.min(held);
                self.place = Place::Body { left: left - part };
                // It is not more than is held.
                self.ready = usize::try_from(part).unwrap_or(usize::MAX);
                part > 0
            }
            Place::LastBody => {
                self.ready = self.held.len();
                self.ready > 0
            }
            Place::Ended => {
                self.held = BytesMut::new();
                false
            }
        }
    }

    /// Checks a head, from the first byte that has not been seen.
    fn check_head(&mut self, seen: usize, after_empty_line: bool) -> bool {
        // RFC 9112, section 2.2: an empty line before a request is ignored.
        if self.held.starts_with(b"\r\n") && !after_empty_line {
            self.held.advance(2);
            self.place = Place::Head {
                seen: 0,
                after_empty_line: true,
            };
            return true;
        }
        // At the end of the service hyper waits for the rest of a head only if its first byte has arrived.
        if self.passed == 0 && self.held.first().copied().is_some_and(is_token) {
            self.ready = 1;
            return true;
        }
        let mut end = None;
        for at in seen..self.held.len() {
            let byte = self.held[at];
            let after_cr = at > 0 && self.held[at - 1] == b'\r';
            let is_sound = match byte {
                b'\n' => after_cr && at != 1,
                _ if after_cr => false,
                b'\r' | b'\t' => true,
                _ => !byte.is_ascii_control(),
            };
            if !is_sound {
                return self.reject("a line end or control character");
            }
            if byte == b'\n' && self.held[..=at].ends_with(b"\r\n\r\n") {
                end = Some(at + 1);
                break;
            }
        }
        match end {
            Some(end) if end <= self.largest => match parse_head(&self.held[..end]) {
                Ok(length) => {
                    self.ready = end - self.passed;
                    self.place = match length {
                        Length::Bytes(left) => Place::Body { left },
                        Length::Chunked => Place::LastBody,
                    };
                    true
                }
                Err(flaw) => self.reject(flaw),
            },
            // A head of this size without an end is too large for hyper too, which responds with 431.
            _ if self.held.len() >= self.largest => {
                self.ready = self.largest - self.passed;
                self.place = Place::Ended;
                true
            }
            _ => {
                // A CR alone may become an empty line.
                let seen = if self.held.len() > 1 {
                    self.held.len()
                } else {
                    0
                };
                self.place = Place::Head {
                    seen,
                    after_empty_line,
                };
                false
            }
        }
    }

    fn reject(&mut self, flaw: &'static str) -> bool {
        tracing::debug!(flaw, "the head of a request was rejected");
        self.held = REFUSED.into();
        self.passed = 0;
        self.ready = REFUSED.len();
        self.place = Place::Ended;
        true
    }
}

/// Parses a whole head with its empty line; returns the length of the body. Its line ends are known to be CRLF and its
/// bytes not to be control characters.
fn parse_head(head: &[u8]) -> Result<Length, &'static str> {
    let mut lines = head
        .strip_suffix(b"\r\n\r\n")
        .unwrap_or(head)
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_newer = parse_request_line(lines.next().unwrap_or_default())?;
    let (mut length, mut encoding, mut host) = (None, None, None);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.ok_or("a field without a colon")?);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err("the name of a field");
        }
        let is = |known: &str| {
            let mut alike = name.iter().zip(known.bytes());
            name.len() == known.len()
                && alike.all(|(one, other)| {
                    one.eq_ignore_ascii_case(&other) || (*one == b'_' && other == b'-')
                })
        };
        let known = if is("content-length") {
            &mut length
        } else if is("transfer-encoding") {
            &mut encoding
        } else if is("host") {
            &mut host
        } else {
            continue;
        };
        let value = value[1..].trim_ascii();
        if known.replace(value).is_some() || name.contains(&b'_') {
            return Err("a field that may be there once");
        }
    }
    if is_newer && host.is_none() {
        return Err("no Host");
    }
    match (encoding, length) {
        (Some(encoding), length) => {
            let is_chunked = is_newer && encoding.eq_ignore_ascii_case(b"chunked");
            // RFC 9112, section 6.3: the length does not count, and the connection is closed.
            length.map_or(Ok(0), read_length)?;
            is_chunked
                .then_some(Length::Chunked)
                .ok_or("a Transfer-Encoding")
        }
        (None, Some(length)) => read_length(length).map(Length::Bytes),
        (None, None) => Ok(Length::Bytes(0)),
    }
}

/// Parses the first line of a head; returns whether its version is 1.1 and not 1.0.
fn parse_request_line(line: &[u8]) -> Result<bool, &'static str> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("the request line");
    };
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err("the method");
    }
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    if target.is_empty() || !target.iter().all(is_plain) {
        return Err("the target");
    }
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ => Err("the version"),
    }
}

fn read_length(value: &[u8]) -> Result<u64, &'static str> {
    let is_plain = match value {
        [b'0'] => true,
        [first, rest @ ..] => (b'1'..=b'9').contains(first) && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    let length = str::from_utf8(value).ok().filter(|_| is_plain);
    length
        .and_then(|length| length.parse().ok())
        .ok_or("a Content-Length")
}

/// Whether a token may contain it (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A stream that yields only correct heads and their bodies.
#[derive(Debug)]
pub struct StrictHeads<S> {
    stream: S,
    heads: Heads,
}

impl<S> StrictHeads<S> {
    /// For heads of at most that many bytes.
    pub fn new(stream: S, largest: usize) -> Self {
        Self {
            stream,
            heads: Heads::new(largest),
        }
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StrictHeads<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        loop {
            while buffer.remaining() > 0 {
                let ready = this.heads.ready();
                let count = ready.len().min(buffer.remaining());
                if count == 0 {
                    break;
                }
                buffer.put_slice(&ready[..count]);
                this.heads.pass(count);
            }
            if buffer.filled().len() > before || buffer.remaining() == 0 || this.heads.ended() {
                return Poll::Ready(Ok(()));
            }
            let mut bytes = [const { std::mem::MaybeUninit::uninit() }; READ];
            let mut read = ReadBuf::uninit(&mut bytes);
            match Pin::new(&mut this.stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => this.heads.add(read.filled()),
                other => return other,
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StrictHeads<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LARGEST: usize = 1024;

    /// What is passed on of these bytes, which come in pieces of that many.
    fn passed(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut heads = Heads::new(LARGEST);
        let mut passed = Vec::new();
        for piece in bytes.chunks(piece) {
            heads.add(piece);
            loop {
                let ready = heads.ready();
                if ready.is_empty() {
                    break;
                }
                passed.extend_from_slice(ready);
                let count = ready.len();
                heads.pass(count);
            }
        }
        passed
    }

    fn is_refused(bytes: &[u8]) -> bool {
        passed(bytes, 7).ends_with(REFUSED)
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n";

    #[test]
    fn rt_09_heads_that_two_readers_may_read_differently_are_refused() {
        for line in [
            "X-Note: hello\nX-Other: 1",
            "X: a\rb",
            "X: a\r\r",
            "X: \0",
            "X: \x0b",
            "X: \x7f",
            "X\0: a",
            " folded",
            "\tfolded",
            "X: a\r\n b",
            "X : a",
            "X\t: a",
            " X: a",
            ": a",
            "X",
            "X Y: a",
            "X(Y): a",
            "X\u{e9}: a",
            "Content-Length: +5",
            "Content-Length: -0",
            "Content-Length: ",
            "Content-Length: 5, 5",
            "Content-Length: 5 5",
            "Content-Length: 0x5",
            "Content-Length: 05",
            "Content-Length: 5.0",
            "Content-Length: 5;a",
            "Content-Length: \u{665}",
            "Content-Length: 18446744073709551616",
            "Content-Length: 5\r\ncontent-length: 5",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: +5\r\nTransfer-Encoding: chunked",
            "Content_Length: 5",
            "Content-Length: 5\r\nContent_Length: 5",
            "Transfer_Encoding: chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: chunked,",
            "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: ",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Host: a",
            "Host: b",
            "hOST:a",
        ] {
            let head = format!("{GET}{line}\r\n\r\n");
            assert!(is_refused(head.as_bytes()), "{line:?}");
        }
        for head in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /# HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/01.1\r\nHost: a\r\n\r\n",
            "GET /\r\nHost: a\r\n\r\n",
            "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
            " / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(is_refused(head.as_bytes()), "{head:?}");
        }
    }

    #[test]
    fn heads_that_are_correct_are_passed_on_with_their_bodies_as_they_are() {
        let all = [
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "OPTIONS * HTTP/1.0\r\n\r\n",
            "POST /mcp?a=b;c HTTP/1.1\r\nhost: a:1\r\nX-Y_Z.1~: a\tb\u{e9} : \r\nContent-Length:\t3 \r\n\r\n\n\r\0",
            "POST http://a/mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            "POST /mcp HTTP/1.0\r\nContent-Length: 5\r\n\r\n\r\n\r\n\n",
            "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
            "whatever\nfollows\0",
        ]
        .concat();
        for piece in [1, 2, 3, 100, all.len()] {
            let passed = passed(all.as_bytes(), piece);
            assert_eq!(String::from_utf8_lossy(&passed), all, "{piece}");
        }
        let after_an_empty_line = format!("\r\n{GET}\r\n\r\n{GET}\r\n");
        let passed = passed(after_an_empty_line.as_bytes(), 1);
        assert_eq!(
            String::from_utf8_lossy(&passed),
            format!("{GET}\r\n").repeat(2)
        );
    }

    #[test]
    fn of_a_head_that_is_too_large_as_much_is_passed_on_as_shows_that() {
        for end in ["", "\r\n\r\n"] {
            let head = format!("{GET}X: {}{end}", "x".repeat(2 * LARGEST));
            for piece in [1, 100, 5000] {
                assert_eq!(passed(head.as_bytes(), piece), &head.as_bytes()[..LARGEST]);
            }
        }
    }

    #[test]
    fn nothing_is_passed_on_after_what_was_refused_and_nothing_is_kept() {
        let mut heads = Heads::new(LARGEST);
        heads.add(b"GET / HTTP/1.1\n");
        assert_eq!(heads.ready(), b"G");
        heads.pass(1);
        assert_eq!(heads.ready(), REFUSED);
        heads.pass(REFUSED.len());
        heads.add(GET.as_bytes());
        heads.add(b"\r\n");
        assert!(heads.ready().is_empty() && heads.ended() && heads.held.is_empty());
    }

    proptest! {
        /// In whatever pieces bytes come, the same is passed on; and no line end in a head is a bare one.
        #[test]
        fn what_is_passed_on_does_not_depend_on_how_it_comes(
            parts in prop::collection::vec(prop::sample::select(vec![
                "GET / HTTP/1.1", "POST /mcp HTTP/1.1", "Host: a", "Content-Length: 4", "Transfer-Encoding: chunked",
                "X: ", "\r\n", "\r\n", "\r\n", "\r\n\r\n", "\n", "\r", " ", ":", "\0", "body", "0\r\n\r\n",
            ]), 0..24),
            piece in 1_usize..40,
        ) {
            let bytes = parts.concat();
            let whole = passed(bytes.as_bytes(), usize::MAX);
            prop_assert_eq!(&passed(bytes.as_bytes(), piece), &whole);
            prop_assert_eq!(&passed(bytes.as_bytes(), 1), &whole);
        }
    }
}

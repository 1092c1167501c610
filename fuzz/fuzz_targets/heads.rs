//! Whatever comes on a connection, in pieces of whatever size: hyper, behind the strict reader of heads, sees exactly
//! the requests that a reader of the grammar sees, up to the one where it refuses or closes.

#![no_main]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use arbitrary::Arbitrary;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::transport::http::heads::StrictHeads;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LARGEST: usize = 16 * 1024;

/// A request as a reader has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    method: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    /// `None` if its end is not known here: chunks.
    body: Option<Vec<u8>>,
}

/// A piece of what comes: most are of requests, so that many of them are sound.
#[derive(Debug, Arbitrary)]
enum Piece<'a> {
    Line(u8),
    Field(u8, u8),
    End,
    Body(u8),
    Sound(u8),
    Bytes(&'a [u8]),
}

const LINES: [&str; 8] = [
    "GET /health HTTP/1.1\r\n",
    "POST /mcp HTTP/1.1\r\n",
    "POST /mcp HTTP/1.0\r\n",
    "X * HTTP/1.1\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "GET  / HTTP/1.1\r\n",
    "GET / HTTP/1.1\n",
    "\r\n",
];
const NAMES: [&str; 12] = [
    "Host",
    "Content-Length",
    "content-length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "Upgrade",
    "X-Y",
    "Content_Length",
    "Host ",
    " X",
    "",
];
const VALUES: [&str; 20] = [
    "a",
    "0",
    "3",
    "5",
    "+3",
    "03",
    "3, 3",
    "chunked",
    "gzip, chunked",
    "close",
    "keep-alive",
    "100-continue",
    "h2c",
    "a\nX: b",
    "a\rb",
    "a\0",
    "\t3 ",
    "\u{e9}",
    "",
    "99999999999999999999",
];

fn bytes(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in pieces {
        let of = |list: &[&'static str], which: u8| list[usize::from(which) % list.len()];
        match piece {
            Piece::Line(which) => all.extend(of(&LINES, *which).as_bytes()),
            Piece::Field(name, value) => {
                let line = format!("{}:{}\r\n", of(&NAMES, *name), of(&VALUES, *value));
                all.extend(line.as_bytes());
            }
            Piece::End => all.extend(b"\r\n"),
            Piece::Body(length) => all.extend(std::iter::repeat_n(b'b', usize::from(length % 8))),
            Piece::Sound(length) => {
                let length = length % 8;
                let body = "\n".repeat(length.into());
                all.extend(
                    format!(
                        "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
                    )
                    .bytes(),
                );
            }
            Piece::Bytes(bytes) => all.extend(*bytes),
        }
    }
    all
}

/// What a simple reader sees of what is strict: everything is found at once, and nothing is lenient. The last one may
/// lack a part of its body.
fn read(mut bytes: &[u8]) -> Vec<Read> {
    let mut all = Vec::new();
    loop {
        bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
        let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else {
            return all;
        };
        let Some((mut request, length)) = read_head(&bytes[..end]) else {
            return all;
        };
        bytes = &bytes[end + 4..];
        let Some(length) = length else {
            all.push(request);
            return all;
        };
        let length = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        request.body = Some(bytes[..length].to_vec());
        bytes = &bytes[length..];
        all.push(request);
    }
}

/// A head, and the length of its body, or `None` for chunks.
fn read_head(head: &[u8]) -> Option<(Read, Option<u64>)> {
    // By characters, each of which is a byte.
    let text: String = head.iter().copied().map(char::from).collect();
    let mut lines = text.split("\r\n");
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    };
    let words: Vec<&str> = lines.next()?.split(' ').collect();
    let [method, target, version] = words[..] else {
        return None;
    };
    let is_newer = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return None,
    };
    let is_plain = |c: char| c.is_ascii_graphic() && c != '#';
    if !is_token(method) || target.is_empty() || !target.chars().all(is_plain) {
        return None;
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let is_sound = |c: char| c == '\t' || !(c.is_ascii_control());
        if !is_token(name) || !value.chars().all(is_sound) {
            return None;
        }
        let value: Vec<u8> = value
            .trim_matches([' ', '\t'])
            .chars()
            .map(|c| c as u8)
            .collect();
        fields.push((name.to_ascii_lowercase(), value));
    }
    let of = |wanted: &str| -> Option<Option<&[u8]>> {
        let mut values = fields
            .iter()
            .filter(|(name, _)| name.replace('_', "-") == wanted);
        let first = values.next();
        let is_sound = values.next().is_none() && first.is_none_or(|(name, _)| name == wanted);
        is_sound.then_some(first.map(|(_, value)| &**value))
    };
    let (length, encoding, host) = (of("content-length")?, of("transfer-encoding")?, of("host")?);
    if is_newer && host.is_none() {
        return None;
    }
    let length = match length.map(str::from_utf8) {
        None => 0,
        Some(text) => {
            let text = text.ok()?;
            let length: u64 = text.parse().ok()?;
            (length.to_string() == text).then_some(length)?
        }
    };
    let length = match encoding {
        None => Some(length),
        Some(value) => (is_newer && value.eq_ignore_ascii_case(b"chunked")).then_some(None)?,
    };
    let request = Read {
        method: method.to_owned(),
        target: target.to_owned(),
        fields,
        body: None,
    };
    Some((request, length))
}

/// Whether nothing follows it on its connection, or hyper may refuse it all the same.
fn may_be_last(request: &Read) -> bool {
    let has = |wanted: &str| request.fields.iter().any(|(name, _)| name == wanted);
    request.body.is_none()
        || has("connection")
        || has("upgrade")
        || has("expect")
        || request.method == "CONNECT"
        || request.fields.len() > 90
        || request.target.parse::<hyper::Uri>().is_err()
}

async fn seen(bytes: Vec<u8>, piece: usize) -> (Vec<Read>, Vec<u8>) {
    let all: Arc<Mutex<Vec<Read>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let all = all.clone();
        async move {
            let (head, body) = request.into_parts();
            let chunked = head.headers.contains_key("transfer-encoding");
            let fields = head.headers.iter();
            let read = Read {
                method: head.method.to_string(),
                target: head.uri.to_string(),
                fields: fields
                    .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                    .collect(),
                body: None,
            };
            let number = {
                let mut all = all.lock().unwrap();
                all.push(read);
                all.len() - 1
            };
            let body = body.collect().await.map(|body| body.to_bytes().to_vec());
            if !chunked {
                all.lock().unwrap()[number].body = body.ok();
            }
            let mut answer = Response::new(Full::new(Bytes::from_static(b"ok")));
            if chunked {
                answer
                    .headers_mut()
                    .insert("connection", "close".parse().unwrap());
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let serving = hyper::server::conn::http1::Builder::new()
        .half_close(true)
        .max_buf_size(LARGEST)
        .serve_connection(TokioIo::new(StrictHeads::new(server, LARGEST)), service);
    let talking = async {
        for piece in bytes.chunks(piece) {
            if client.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = client.shutdown().await;
        let mut said = Vec::new();
        let _ = client.read_to_end(&mut said).await;
        said
    };
    let (_, said) = tokio::join!(serving, talking);
    let all = all.lock().unwrap().clone();
    (all, said)
}

fuzz_target!(|input: (u8, Vec<Piece<'_>>)| {
    let (piece, pieces) = input;
    let bytes = bytes(&pieces);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let expected = read(&bytes);
    let (mut seen, said) = runtime.block_on(seen(bytes.clone(), usize::from(piece) + 1));
    let shown = String::from_utf8_lossy(&bytes);
    assert!(
        seen.len() <= expected.len(),
        "{shown:?}: {seen:#?} and not {expected:#?}"
    );
    for (seen, expected) in seen.iter_mut().zip(&expected) {
        let mut expected = expected.clone();
        if let Ok(uri) = expected.target.parse::<hyper::Uri>() {
            expected.target = uri.to_string();
        }
        // hyper takes the length away from chunks, and keeps fields of a name together.
        expected
            .fields
            .retain(|(name, _)| expected.body.is_some() || name != "content-length");
        seen.fields
            .retain(|(name, _)| expected.body.is_some() || name != "content-length");
        expected.fields.sort();
        seen.fields.sort();
        if seen.body.is_none() {
            // It ended before its body was whole.
            expected.body = None;
        }
        assert_eq!(*seen, expected, "{shown:?}");
    }
    if seen.len() < expected.len() {
        let last = expected[..=seen.len()].iter().any(may_be_last);
        let is_old = String::from_utf8_lossy(&bytes).contains("HTTP/1.0");
        let is_cut = seen.last().is_some_and(|last| last.body.is_none());
        assert!(
            last || is_old || is_cut,
            "{shown:?}: {seen:#?} and not {expected:#?}: {}",
            String::from_utf8_lossy(&said)
        );
    }
});

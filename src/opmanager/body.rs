//! The body of a response as it arrives: unpacked, piece by piece.
//!
//! Owns the bounds of what arrives: bytes in all, and how much larger than what was received they may become. Holds one
//! piece at a time, and knows nothing of what is in it.

use std::io::{self, Write};

use bytes::{Buf, Bytes};
use flate2::write::MultiGzDecoder;
use futures::StreamExt;
use futures::stream::{BoxStream, Fuse};
use http::HeaderValue;

use super::Error;

/// Bytes of an unpacked body from which on it may not be more than [`EXPANSION`] times what was received.
const FREE_EXPANSION: usize = 1024 * 1024;
/// Largest credible ratio of an unpacked body to what was received.
const EXPANSION: usize = 100;
/// Bytes by which a packed body may be larger than what it unpacks to. Empty members or blocks could go on for ever.
const FREE_PACKING: usize = 64 * 1024;
/// Bytes that are unpacked at one time.
const PIECE: usize = 64 * 1024;

/// How a body is packed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    pub(super) fn of(header: Option<&HeaderValue>) -> Result<Self, Error> {
        match header
            .map(|value| value.as_bytes().to_ascii_lowercase())
            .as_deref()
        {
            None | Some(b"" | b"identity") => Ok(Self::Plain),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip),
            Some(_) => Err(Error::Encoding),
        }
    }
}

/// Why a body does not go on.
pub(super) enum Broken {
    /// The connection.
    Network(reqwest::Error),
    /// It is larger than allowed.
    TooLarge,
    /// It unpacks to more than is credible.
    Expands,
    /// It cannot be unpacked.
    Damaged,
}

impl Broken {
    pub(super) const RATIO: usize = EXPANSION;
}

/// A body of which some has been read.
pub(super) struct Body {
    stream: Fuse<BoxStream<'static, reqwest::Result<Bytes>>>,
    unpacking: Option<Unpacking>,
    /// Bytes as they were sent.
    received: usize,
    /// Bytes that were handed on.
    bytes: usize,
    limit: usize,
}

struct Unpacking {
    decoder: MultiGzDecoder<Piece>,
    /// What was received and not unpacked yet.
    rest: Bytes,
}

impl Body {
    /// A body of at most `limit` bytes, packed and unpacked.
    pub(super) fn new(
        stream: BoxStream<'static, reqwest::Result<Bytes>>,
        encoding: Encoding,
        limit: usize,
    ) -> Self {
        Self {
            stream: stream.fuse(),
            unpacking: (encoding == Encoding::Gzip).then(|| Unpacking {
                decoder: MultiGzDecoder::new(Piece::default()),
                rest: Bytes::new(),
            }),
            received: 0,
            bytes: 0,
            limit,
        }
    }

    /// How many bytes were handed on.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.unpacking.is_none() {
            let chunk = self.receive().await?;
            self.bytes = self.received;
            return Ok(chunk);
        }
        loop {
            if let Some(piece) = self.unpacked()? {
                return Ok(Some(piece));
            }
            let received = self.received;
            let Some(Unpacking { decoder, rest }) = &mut self.unpacking else {
                return Ok(None);
            };
            if rest.has_remaining() {
                match decoder.write(rest) {
                    Ok(0) => return Err(Broken::Damaged),
                    Ok(written) => rest.advance(written),
                    Err(full) if is_full(&full) => {}
                    Err(_) => return Err(Broken::Damaged),
                }
                continue;
            }
            if received > self.bytes + FREE_PACKING {
                return Err(Broken::Damaged);
            }
            let chunk = self.receive().await?;
            let Some(unpacking) = &mut self.unpacking else {
                return Ok(None);
            };
            match chunk {
                Some(chunk) => unpacking.rest = chunk,
                None => match unpacking.decoder.try_finish() {
                    Ok(()) => return self.unpacked(),
                    Err(full) if is_full(&full) => {}
                    Err(_) => return Err(Broken::Damaged),
                },
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(chunk) = self.stream.next().await else {
            return Ok(None);
        };
        let chunk = chunk.map_err(Broken::Network)?;
        self.received += chunk.len();
        if self.received > self.limit {
            return Err(Broken::TooLarge);
        }
        Ok(Some(chunk))
    }

    /// What has been unpacked and not handed on.
    fn unpacked(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(unpacking) = &mut self.unpacking else {
            return Ok(None);
        };
        let piece = std::mem::take(&mut unpacking.decoder.get_mut().0);
        if piece.is_empty() {
            return Ok(None);
        }
        self.bytes += piece.len();
        if self.bytes > self.limit {
            return Err(Broken::TooLarge);
        }
        if self.bytes > FREE_EXPANSION && self.bytes / EXPANSION > self.received {
            return Err(Broken::Expands);
        }
        Ok(Some(piece.into()))
    }
}

/// What is unpacked until it is handed on. Takes no more than [`PIECE`], or what comes first.
#[derive(Default)]
struct Piece(Vec<u8>);

impl Write for Piece {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if !self.0.is_empty() && self.0.len() + chunk.len() > PIECE {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

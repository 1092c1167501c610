//! From a vendor's document to facts: which reader understands it, and what is wrong where.
//!
//! Owns the choice of the reader and the form of its complaints. A document is read whole or not at all.

pub mod openapi;
pub mod page;
mod sample;

use std::fmt;
use std::io::Read as _;

use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use crate::facts::{Facts, Source, SourceKind};

/// The largest document that is read, in bytes, unpacked.
const LARGEST: u64 = 64 << 20;

/// Why a document cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}; {fix}")]
pub struct Broken {
    /// Line and column in the source, or the operation.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Broken {
    fn new(place: impl fmt::Display, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            problem: problem.into(),
            fix: fix.into(),
        }
    }
}

/// Reads a document. `captured` is the day on which it was taken from the vendor, `yyyy-mm-dd`.
///
/// The bytes may be packed with gzip. A text that begins with `<` is a help page, any other is an OpenAPI
/// document in JSON or YAML.
///
/// # Errors
///
/// The first thing that keeps the document from being understood, with its place.
pub fn read(bytes: &[u8], captured: &str) -> Result<Facts, Broken> {
    let unpacked = unpack(bytes)?;
    let text = std::str::from_utf8(&unpacked).map_err(|error| {
        let (line, column) = position(&unpacked, error.valid_up_to());
        Broken::new(
            format!("{line}:{column}"),
            "the byte there is not UTF-8",
            "save the document as UTF-8",
        )
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let (kind, mut facts) = match text.trim_start().chars().next() {
        None => {
            return Err(Broken::new(
                "1:1",
                "the document is empty",
                "name the file that holds the vendor's page or OpenAPI document",
            ));
        }
        Some('<') => (SourceKind::HelpPage, page::read(text)?),
        Some(_) => (SourceKind::OpenApi, openapi::read(text)?),
    };
    facts.sources = vec![Source {
        kind,
        captured: captured.to_owned(),
        sha256: hexadecimal(&Sha256::digest(&unpacked)),
    }];
    facts.sort();
    Ok(facts)
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut unpacked = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes)
            .take(LARGEST + 1)
            .read_to_end(&mut unpacked)
    } else {
        bytes.take(LARGEST + 1).read_to_end(&mut unpacked)
    };
    read.map_err(|error| {
        Broken::new(
            "document",
            format!("gunzip fails: {error}"),
            "fetch it again",
        )
    })?;
    if unpacked.len() as u64 > LARGEST {
        return Err(Broken::new(
            "document",
            format!("it has more than {LARGEST} bytes"),
            "name the page of the API; no such page is that large",
        ));
    }
    Ok(unpacked)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Line and column of a byte, both from 1; the column counts characters.
fn position(text: &[u8], at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count()
        + 1;
    (line, column)
}

/// Whether a text is a name of a parameter: letters, digits and underscores.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

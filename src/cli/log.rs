//! The log on standard error.
//!
//! Owns its levels, its forms, and what may stand in a line. Only our own events are logged: at their finer
//! levels the libraries print whole requests, keys included, so no setting turns them on. A line is a line:
//! characters that would end it, or change how a terminal shows it, are written as escapes.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Begins to log.
pub(super) fn begin(level: Level, format: Format) {
    let level = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Escaped(io::stderr()))
        .with_ansi(false);
    let lines = match format {
        Format::Text => lines.boxed(),
        // Where the event stands in the code would take the name of where the call went.
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}

/// Writes lines, each in one piece, with escapes for what is no visible character.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(escape(line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The line with escapes, in the form that JSON knows too.
fn escape(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let (text, end) = match text.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (&*text, ""),
    };
    let mut escaped = String::with_capacity(line.len());
    for c in text.chars() {
        if is_deceptive(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped + end
}

/// Whether a character does something to the text around it instead of being seen.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_text_cannot_leave_its_line_or_turn_it_around() {
        for (text, expected) in [
            ("plain é 日本\n", "plain é 日本\n"),
            ("a\nb\r\n", "a\\u000ab\\u000d\n"),
            (
                "\u{1b}[31m\u{9b}\u{7f}\0",
                "\\u001b[31m\\u009b\\u007f\\u0000",
            ),
            ("a\u{202e}b\u{2066}c\u{200f}", "a\\u202eb\\u2066c\\u200f"),
            ("\u{e0041}\u{2028}", "\\udb40\\udc41\\u2028"),
        ] {
            assert_eq!(escape(text.as_bytes()), expected);
            let mut written = Vec::new();
            Escaped(&mut written).write_all(text.as_bytes()).unwrap();
            assert_eq!(written, expected.as_bytes());
        }
        let json = escape("{\"a\":\"\u{202e}\u{e0041}\"}".as_bytes());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["a"], "\u{202e}\u{e0041}");
    }
}

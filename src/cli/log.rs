//! The log on standard error.
//!
//! Owns its levels, its formats, what a line may contain, and the thread that writes. Only our own events are logged: at
//! their finer levels the libraries print whole requests, keys included, so no setting turns them on. A line is a line:
//! characters that would end it, or change how a terminal shows it, are written as escapes.
//!
//! Nothing waits for the reader of standard error. Lines go through a bounded queue to a thread of its own; if the queue
//! is full they are dropped and counted, and a line says how many as soon as one can be written again.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use crate::sanitize;

/// Most bytes of lines that wait to be written.
const MOST_WAITING: usize = 1024 * 1024;
/// Longest time that the end of the process waits for lines to be written.
const LAST_WORDS: Duration = Duration::from_millis(500);

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

/// Starts the log.
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
    let queue = QUEUE.get_or_init(Arc::default);
    let writing = queue.clone();
    // Without another thread the server still serves; its log is lost.
    let _ = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write(&writing, io::stderr()));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(ToQueue(queue.clone()))
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

/// The queue of this process, once it logs.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// Writes the last line to standard error, after what has been logged, without waiting for long.
pub(super) fn last_word(word: &str) {
    match QUEUE.get() {
        Some(queue) => {
            queue.push(word.as_bytes());
            queue.flush(LAST_WORDS);
        }
        // Nothing is served yet, or by a command that a person waits for.
        None => {
            let _ = io::stderr().write_all(word.as_bytes());
        }
    }
}

/// Waits, not for long, until what has been logged is written.
pub(super) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(LAST_WORDS);
    }
}

/// Lines that wait to be written.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    /// Bytes of these lines.
    waiting: usize,
    /// Whether a line is being written.
    writing: bool,
    /// Lines that were dropped since this was last logged.
    dropped: u64,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or drops it if the queue is full.
    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.waiting + line.len() > MOST_WAITING {
            state.dropped += 1;
            return;
        }
        state.waiting += line.len();
        state.lines.push_back(line.to_vec());
        drop(state);
        self.filled.notify_one();
    }

    /// Waits for the next line. What was dropped is told of when the lines before it have been written.
    fn next(&self) -> Next {
        let mut state = self.state();
        state.writing = false;
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.waiting -= line.len();
                state.writing = true;
                return Next::Line(line);
            }
            if state.dropped > 0 {
                state.writing = true;
                return Next::Dropped(std::mem::take(&mut state.dropped));
            }
            self.emptied.notify_all();
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until everything is written, for at most that long.
    fn flush(&self, patience: Duration) {
        let unwritten =
            |state: &mut State| state.writing || !state.lines.is_empty() || state.dropped > 0;
        let _ = self
            .emptied
            .wait_timeout_while(self.state(), patience, unwritten);
    }
}

enum Next {
    Line(Vec<u8>),
    Dropped(u64),
}

/// Writes what is in the queue, for ever.
fn write(queue: &Queue, mut out: impl Write) {
    loop {
        match queue.next() {
            // If nobody reads standard error any more, nobody can be told.
            Next::Line(line) => {
                let _ = out.write_all(escape(&line).as_bytes());
            }
            // The subscriber formats it like the others, and puts it into the queue, which is empty.
            Next::Dropped(lines) => {
                tracing::error!(lines, "log lines were dropped");
            }
        }
    }
}

/// Gives each event to the queue.
struct ToQueue(Arc<Queue>);

impl<'a> MakeWriter<'a> for ToQueue {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter(&self.0)
    }
}

/// Takes one event, which comes in one piece.
struct LineWriter<'a>(&'a Queue);

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line with escapes, in the form that JSON knows too.
fn escape(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let (text, end) = match text.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (&*text, ""),
    };
    sanitize::escaped(text) + end
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

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
        }
        let json = escape("{\"a\":\"\u{202e}\u{e0041}\"}".as_bytes());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["a"], "\u{202e}\u{e0041}");
    }

    /// A reader that takes a line when it is told to.
    struct Slow {
        lines: std::sync::mpsc::SyncSender<Vec<u8>>,
        written: Arc<std::sync::atomic::AtomicUsize>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.lines.send(line.to_vec());
            self.written.fetch_add(1, Ordering::SeqCst);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn rt_28_a_line_without_room_is_dropped_and_counted_and_none_waits() {
        let queue = Queue::default();
        let line = vec![b'x'; MOST_WAITING / 4];
        for _ in 0..7 {
            queue.push(&line);
        }
        queue.flush(Duration::ZERO);
        for _ in 0..4 {
            assert!(matches!(queue.next(), Next::Line(taken) if taken == line));
        }
        // A line that has room again comes before the count, which is whole.
        queue.push(b"last");
        assert!(matches!(queue.next(), Next::Line(taken) if taken == b"last"));
        assert!(matches!(queue.next(), Next::Dropped(3)));
        queue.push(b"after");
        assert!(matches!(queue.next(), Next::Line(taken) if taken == b"after"));
    }

    #[test]
    fn rt_28_the_end_waits_for_what_is_being_written_and_not_for_ever() {
        let queue = Arc::new(Queue::default());
        let (lines, read) = std::sync::mpsc::sync_channel(0);
        let written = Arc::<std::sync::atomic::AtomicUsize>::default();
        let (writing, counted) = (queue.clone(), written.clone());
        std::thread::spawn(move || {
            write(
                &writing,
                Slow {
                    lines,
                    written: counted,
                },
            );
        });
        queue.push(b"one\n");
        queue.push(b"two\n");
        // Nobody reads: it gives up.
        queue.flush(Duration::from_millis(1));
        let reading = std::thread::spawn(move || [read.recv().unwrap(), read.recv().unwrap()]);
        queue.flush(Duration::from_secs(20));
        assert_eq!(written.load(Ordering::SeqCst), 2, "it has waited for both");
        let [one, two] = reading.join().unwrap();
        assert_eq!((&one[..], &two[..]), (&b"one\n"[..], &b"two\n"[..]));
    }
}

//! A JSON text under construction.
//!
//! Owns commas, the length in characters, and the way back to an earlier state. Knows nothing of what is written.

use crate::json;

/// A JSON text under construction and its length in characters.
#[derive(Default)]
pub(crate) struct Writer {
    text: String,
    chars: usize,
    /// How many strings were written that had flaws.
    repaired: usize,
    /// Memory for texts on their way into it.
    scratch: String,
}

/// A state of a [`Writer`] to which it can go back.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    chars: usize,
    repaired: usize,
}

impl Writer {
    /// Its length, in characters.
    pub(crate) fn chars(&self) -> usize {
        self.chars
    }

    /// How many more characters fit before `end`.
    pub(crate) fn room(&self, end: usize) -> usize {
        end.saturating_sub(self.chars)
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text, finished.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Begins an entry of the innermost container: with a comma, unless it is the first.
    pub(crate) fn entry(&mut self) {
        // A bracket inside of a string is followed by a quote.
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[')) {
            self.ascii(',');
        }
    }

    /// Writes a part of JSON as it is.
    pub(crate) fn push(&mut self, json: &str) {
        self.text.push_str(json);
        self.chars += json.chars().count();
    }

    /// Writes what another has written.
    pub(super) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.chars += other.chars;
    }

    /// Writes one character of ASCII: a bracket, a comma, a colon.
    pub(crate) fn ascii(&mut self, character: char) {
        self.text.push(character);
        self.chars += 1;
    }

    /// Writes printable ASCII without quotes and backslashes as a string.
    pub(crate) fn plain_string(&mut self, plain: &str) {
        self.text.reserve(plain.len() + 2);
        self.text.push('"');
        self.text.push_str(plain);
        self.text.push('"');
        self.chars += plain.len() + 2;
    }

    /// Writes a text as a string.
    pub(crate) fn string(&mut self, text: &str) {
        json::write_quoted(text, |part| self.push(part));
    }

    /// Takes back the bracket that closes the outermost container, if it is this one.
    pub(crate) fn reopen(&mut self, close: char) -> bool {
        let closed = self.text.ends_with(close);
        if closed {
            self.text.pop();
            self.chars -= 1;
        }
        closed
    }

    /// The state that it is in.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            bytes: self.text.len(),
            chars: self.chars,
            repaired: self.repaired,
        }
    }

    /// How many characters were written since.
    pub(crate) fn since(&self, mark: Mark) -> usize {
        self.chars - mark.chars
    }

    /// Goes back to a state that it was in.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.text.truncate(mark.bytes);
        self.chars = mark.chars;
        self.repaired = mark.repaired;
    }

    /// An empty text, to be given back.
    pub(super) fn take_scratch(&mut self) -> String {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        text
    }

    /// Gives back what was taken.
    pub(super) fn give_scratch(&mut self, text: String) {
        self.scratch = text;
    }

    /// Counts a string that had flaws.
    pub(super) fn count_repaired(&mut self) {
        self.repaired += 1;
    }

    /// Counts the strings that had flaws and were written elsewhere before.
    pub(super) fn add_repaired(&mut self, other: &Self) {
        self.repaired += other.repaired;
    }

    /// How many strings were written that had flaws.
    pub(super) fn repaired(&self) -> usize {
        self.repaired
    }
}

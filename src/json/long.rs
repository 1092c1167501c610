//! Values that are too long to be held: where they end, and a shorter value made of their beginning.

use super::{DEEPEST, Flaw, Result, plain_run};

/// What is left out at the end of a text that is cut: nothing is kept of what may be the beginning of a secret. A
/// character of a secret takes at most six bytes of a string.
const MARGIN: usize = crate::foreign::LONGEST_SECRET * 6;

/// A walk over one value whose bytes come in parts. It keeps nothing of them, and is as strict about structure and as
/// lenient about strings as a [`super::Scanner`] that is not strict.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    state: State,
    /// Bytes that were walked over.
    walked: usize,
    /// How many containers are open around the value.
    depth: u32,
    open: u32,
    /// A bit for each open container, set for objects.
    objects: u64,
    /// Where the string begins that was begun last.
    string: usize,
    /// The last place where a value inside ended, with what was open there.
    whole: Option<(usize, u32, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    /// Behind an opening bracket.
    First,
    Key,
    Colon,
    /// Behind a value.
    After,
    Text {
        key: bool,
        escape: bool,
    },
    Number(Digits),
    Word(&'static [u8]),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Sign,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    Power,
}

impl Walk {
    /// A walk over a value that begins at `depth` containers below the outermost.
    pub(crate) fn new(depth: u32) -> Self {
        Self {
            state: State::Value,
            walked: 0,
            depth,
            open: 0,
            objects: 0,
            string: 0,
            whole: None,
        }
    }

    /// Walks over more bytes; where in them the value has ended, if it has.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let begin = at;
            match self.state {
                State::End => break,
                State::Text { key, escape: false } => {
                    at = plain_run(bytes, at);
                    match bytes.get(at) {
                        None => {}
                        Some(b'"') => {
                            at += 1;
                            if key {
                                self.state = State::Colon;
                            } else {
                                self.ended(self.walked + at - begin);
                            }
                        }
                        Some(b'\\') => {
                            at += 1;
                            self.state = State::Text { key, escape: true };
                        }
                        Some(_) => at += 1,
                    }
                }
                State::Text { key, escape: true } => {
                    // Whatever is escaped: only quotes and backslashes must not be taken for themselves.
                    at += 1;
                    self.state = State::Text { key, escape: false };
                }
                State::Number(digits) => match after_digit(digits, byte) {
                    Some(digits) => {
                        self.state = State::Number(digits);
                        at += 1;
                    }
                    None if matches!(
                        digits,
                        Digits::Zero | Digits::Whole | Digits::Fraction | Digits::Power
                    ) =>
                    {
                        self.ended(self.walked);
                    }
                    None => return Err(Flaw::Invalid),
                },
                State::Word(rest) => {
                    if rest.first() != Some(&byte) {
                        return Err(Flaw::Invalid);
                    }
                    at += 1;
                    if rest.len() == 1 {
                        self.ended(self.walked + 1);
                    } else {
                        self.state = State::Word(&rest[1..]);
                    }
                }
                _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => at += 1,
                State::Colon if byte == b':' => {
                    at += 1;
                    self.state = State::Value;
                }
                State::Key if byte == b'"' => {
                    at += 1;
                    self.state = State::Text {
                        key: true,
                        escape: false,
                    };
                }
                State::Colon | State::Key => return Err(Flaw::Invalid),
                State::After => {
                    at += 1;
                    let object = self.objects & 1 == 1;
                    match byte {
                        b',' if object => self.state = State::Key,
                        b',' => self.state = State::Value,
                        b'}' if object => self.close(self.walked + 1),
                        b']' if !object => self.close(self.walked + 1),
                        _ => return Err(Flaw::Invalid),
                    }
                }
                State::First => match (byte, self.objects & 1 == 1) {
                    (b'}', true) | (b']', false) => {
                        at += 1;
                        self.close(self.walked + 1);
                    }
                    (_, true) => self.state = State::Key,
                    (_, false) => self.state = State::Value,
                },
                State::Value => {
                    at += 1;
                    self.begin(byte)?;
                }
            }
            self.walked += at - begin;
        }
        Ok((self.state == State::End).then_some(at))
    }

    fn begin(&mut self, byte: u8) -> Result<()> {
        self.state = match byte {
            b'{' | b'[' => {
                if self.depth + self.open >= DEEPEST {
                    return Err(Flaw::TooDeep);
                }
                self.open += 1;
                self.objects = self.objects << 1 | u64::from(byte == b'{');
                State::First
            }
            b'"' => {
                self.string = self.walked + 1;
                State::Text {
                    key: false,
                    escape: false,
                }
            }
            b'-' => State::Number(Digits::Sign),
            b'0' => State::Number(Digits::Zero),
            b'1'..=b'9' => State::Number(Digits::Whole),
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            _ => return Err(Flaw::Invalid),
        };
        Ok(())
    }

    fn close(&mut self, walked: usize) {
        self.open -= 1;
        self.objects >>= 1;
        self.ended(walked);
    }

    fn ended(&mut self, walked: usize) {
        self.whole = Some((walked, self.open, self.objects));
        self.state = if self.open == 0 {
            State::End
        } else {
            State::After
        };
    }

    /// A shorter value, made of the bytes that were walked over.
    pub(crate) fn cut(&self, walked: &[u8]) -> Vec<u8> {
        if let State::Text { key: false, .. } = self.state
            && let Some(end) = walked.len().checked_sub(MARGIN)
            && end > self.string
        {
            let mut cut = walked[..end].to_vec();
            // Neither half an escape nor half a character.
            let from = self.string.max(end.saturating_sub(12));
            if let Some(escape) = cut[from..].iter().position(|byte| *byte == b'\\') {
                cut.truncate(from + escape);
            }
            let slashes = cut.iter().rev().take_while(|byte| **byte == b'\\').count();
            cut.truncate(cut.len() - slashes % 2);
            while cut.len() > self.string && cut.last().is_some_and(|byte| !byte.is_ascii()) {
                cut.pop();
            }
            cut.extend_from_slice("\u{2026}\"".as_bytes());
            close(&mut cut, self.open, self.objects);
            return cut;
        }
        match self.whole {
            Some((end, open, objects)) => {
                let mut cut = walked[..end].to_vec();
                close(&mut cut, open, objects);
                cut
            }
            None => match walked.first() {
                Some(b'{') => b"{}".to_vec(),
                Some(b'[') => b"[]".to_vec(),
                _ => "\"\u{2026}\"".as_bytes().to_vec(),
            },
        }
    }
}

fn close(text: &mut Vec<u8>, open: u32, mut objects: u64) {
    for _ in 0..open {
        text.push(if objects & 1 == 1 { b'}' } else { b']' });
        objects >>= 1;
    }
}

/// The state of a number behind one more of its characters; `None` if that is none of them.
fn after_digit(digits: Digits, byte: u8) -> Option<Digits> {
    use Digits::{Exponent, ExponentSign, Fraction, Point, Power, Sign, Whole, Zero};
    Some(match (digits, byte) {
        (Sign, b'0') => Zero,
        (Sign, b'1'..=b'9') | (Whole, b'0'..=b'9') => Whole,
        (Zero | Whole, b'.') => Point,
        (Point | Fraction, b'0'..=b'9') => Fraction,
        (Zero | Whole | Fraction, b'e' | b'E') => Exponent,
        (Exponent, b'+' | b'-') => ExponentSign,
        (Exponent | ExponentSign | Power, b'0'..=b'9') => Power,
        _ => return None,
    })
}

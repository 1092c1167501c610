//! What becomes of a value that does not fit: the start of a text or list, an object whose fields share the room, and
//! always how much is missing.

use crate::foreign::{Gate, LONGEST_SECRET};
use crate::json::{Kind, Span, decode, is_flawed, sent};

use super::super::verdict::Problem;
use super::super::writer::Writer;
use super::{MARK, MORE, Shaper};

/// Longest text of one string in a value that must be shortened, in characters.
const LONGEST_STRING: usize = 2000;
/// Most fields of an object among which room is shared evenly.
const SHARED: usize = 64;

impl Shaper<'_, '_> {
    /// Writes a value, shortened where it does not fit.
    pub(super) fn shrunk(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        markup: bool,
    ) -> Result<(), Problem> {
        let (before, begin) = (out.mark(), self.scan.position());
        if self.fitting(out, end, depth, markup)? {
            return Ok(());
        }
        out.undo(before);
        self.scan.rewind(begin);
        match self.scan.kind()? {
            Kind::Object => self.shrunk_object(out, end, depth),
            Kind::Array => self.shrunk_array(out, end, depth, markup),
            Kind::String => {
                let span = self.scan.string()?;
                self.shrunk_string(out, &span, out.room(end), markup);
                Ok(())
            }
            // Words are short enough for the room that is always kept; only a number can be too long.
            Kind::Number | Kind::Word => {
                let digits = self.scan.position();
                self.scan.skip(depth)?;
                let digits = self.scan.position() - digits;
                out.push(&format!("\"{MORE} [a number of {digits} characters]\""));
                Ok(())
            }
        }
    }

    fn shrunk_string(&mut self, out: &mut Writer, span: &Span, room: usize, markup: bool) {
        let room = room.min(LONGEST_STRING);
        let mut text = String::new();
        let left = decode(&sent(&self.scan, span), room + LONGEST_SECRET, &mut text);
        shortened(out, self.context.gate, &text, left, room, markup);
        if is_flawed(self.scan.bytes(span.range.clone())) {
            out.count_repaired();
        }
    }

    fn shrunk_array(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        markup: bool,
    ) -> Result<(), Problem> {
        out.ascii('[');
        let (mut left_out, mut first) = (0usize, true);
        let mut more = self.scan.open(b']')?;
        while more {
            let (before, begin) = (out.mark(), self.scan.position());
            let room = end.saturating_sub(MARK);
            if left_out > 0 || out.chars() + MARK / 2 > room {
                self.scan.skip(depth + 1)?;
                left_out += 1;
            } else {
                out.entry();
                if first {
                    self.shrunk(out, room, depth + 1, markup)?;
                } else if !self.fitting(out, room, depth + 1, markup)? {
                    out.undo(before);
                    self.scan.rewind(begin);
                    self.scan.skip(depth + 1)?;
                    left_out += 1;
                }
                first = false;
            }
            more = self.scan.next(b']')?;
        }
        if left_out > 0 {
            out.entry();
            out.push(&format!("\"{MORE} {left_out} more items\""));
        }
        out.ascii(']');
        Ok(())
    }

    /// Writes an object whose fields share the room: small ones are kept whole, large ones shortened alike.
    fn shrunk_object(&mut self, out: &mut Writer, end: usize, depth: u32) -> Result<(), Problem> {
        let share = self.fair_share(out.room(end).saturating_sub(MARK), depth)?;
        out.ascii('{');
        let mut left_out = 0usize;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.key(depth)?;
            let room = end.saturating_sub(MARK);
            if self.name(out, &key, out.room(room).saturating_sub(MARK / 2)) {
                let markup = self.is_markup(&key);
                let room = room.min(out.chars() + share.max(MARK));
                self.shrunk(out, room, depth + 1, markup)?;
            } else {
                self.scan.skip(depth + 1)?;
                left_out += 1;
            }
            more = self.scan.next(b'}')?;
        }
        if left_out > 0 {
            out.entry();
            out.push(&format!("\"{MORE}\":\"{left_out} more fields\""));
        }
        out.ascii('}');
        Ok(())
    }

    /// The room that each field of the object here may take so that all of them share `room`. An object with
    /// very many fields is written in order instead.
    fn fair_share(&mut self, room: usize, depth: u32) -> Result<usize, Problem> {
        let begin = self.scan.position();
        let mut sizes = [0usize; SHARED];
        let mut count = 0;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            let before = self.scan.position();
            self.scan.skip(depth + 1)?;
            let Some(size) = sizes.get_mut(count) else {
                self.scan.rewind(begin);
                return Ok(room);
            };
            *size = self.scan.position() - before + key.range.len() + MARK;
            count += 1;
            more = self.scan.next(b'}')?;
        }
        self.scan.rewind(begin);
        let sizes = &mut sizes[..count];
        sizes.sort_unstable();
        let mut left = room;
        for (place, size) in sizes.iter().enumerate() {
            let share = left / (count - place);
            if *size > share {
                return Ok(share);
            }
            left -= size;
        }
        Ok(room)
    }
}

/// Writes a text as a JSON string of at most `room` characters. `left` more of its characters were not looked at, and
/// are behind at least [`LONGEST_SECRET`] others.
pub(super) fn shortened(
    out: &mut Writer,
    gate: Gate<'_>,
    text: &str,
    left: usize,
    room: usize,
    markup: bool,
) {
    let text = gate.value(text, markup);
    let seen = text.chars().count();
    let total = seen + left;
    // A secret that goes on where nobody looked has not been found: nothing of it may be kept.
    let safe = seen.saturating_sub(if left > 0 { LONGEST_SECRET } else { 0 });
    let mut kept = if left == 0 && seen + 2 <= room {
        seen
    } else {
        safe.min(room.saturating_sub(MARK))
    };
    loop {
        let prefix: String = text.chars().take(kept).collect();
        let mut short = Writer::default();
        if kept == total {
            short.string(&prefix);
        } else {
            let rest = total - kept;
            short.string(&format!("{prefix}{MORE} [{rest} more characters]"));
        }
        if short.chars() <= room || kept == 0 {
            out.push(short.text());
            return;
        }
        // Escapes took the room: take off as much as is too much, at least.
        kept = kept.saturating_sub((short.chars() - room).max(1));
    }
}

//! The list of an answer: its items as far as they are wanted and fit, what stands beside it, and true counts.

use crate::json::{Kind, Span, decoded};

use super::super::verdict::Problem;
use super::super::writer::Writer;
use super::{ENVELOPE_RESERVE, MARK, MORE, Shaper};

/// Names under which OpManager sends lists, where an operation that documents a bare array sends an object.
pub(in crate::result) const USUAL_LISTS: [&str; 3] = ["rows", "List", "Details"];
/// What is kept free for what stands beside a list, at least.
const LEAST_SIBLINGS: usize = 256;

/// What became of a list.
#[derive(Default)]
struct Counts {
    returned: usize,
    total: usize,
    /// Whether the last item returned had to be shortened.
    cut: bool,
    /// Whether items were left out for lack of room.
    full: bool,
}

impl Shaper<'_> {
    /// Writes the answer.
    pub(super) fn answer(&mut self, end: usize) -> Result<String, Problem> {
        let mut out = Writer::default();
        let Some(path) = self.plan.list else {
            self.whole(&mut out, end)?;
            return Ok(out.into_text());
        };
        let (beginning, nothing) = (self.scan.position(), out.mark());
        let mut beside = Writer::default();
        out.push("{\"items\":[");
        let counts = match self.scan.kind()? {
            Kind::Array => Some(self.items(&mut out, end - ENVELOPE_RESERVE, 0)?),
            Kind::Object => {
                let room = (end / 8).max(LEAST_SIBLINGS);
                self.find_list(
                    &mut out,
                    end - ENVELOPE_RESERVE - room,
                    path,
                    &mut beside,
                    room,
                    0,
                )?
            }
            _ => None,
        };
        let Some(counts) = counts else {
            // Another shape than the documented one: shown as it is rather than as an empty list.
            self.scan.rewind(beginning);
            out.undo(nothing);
            self.whole(&mut out, end)?;
            return Ok(out.into_text());
        };
        self.around(&mut out, &counts, &beside);
        Ok(out.into_text())
    }

    /// The words around the items.
    fn around(&self, out: &mut Writer, counts: &Counts, beside: &Writer) {
        let offset = self.selection.offset;
        let next = offset.saturating_add(counts.returned);
        let more = next < counts.total;
        out.push(&format!(
            "],\"returned\":{},\"offset\":{offset},\"total\":{}",
            counts.returned, counts.total
        ));
        if more {
            out.push(&format!(",\"next_offset\":{next}"));
        }
        let missing: Vec<&str> = self
            .selection
            .fields
            .iter()
            .zip(&self.found)
            .filter(|(_, found)| !**found)
            .map(|(field, _)| field.as_str())
            .collect();
        let mut notes: Vec<String> = Vec::new();
        if counts.cut {
            notes.push(
                "An item is shortened to fit the size limit: name the fields you need in `fields`."
                    .into(),
            );
        }
        if more && counts.full {
            notes.push(format!("Size limit reached: call again with offset={next}, or name fewer fields in `fields`."));
        } else if more {
            notes.push(format!("Call again with offset={next} for the next items."));
        }
        if counts.total > 0 && offset >= counts.total {
            notes.push("offset is beyond the last item.".into());
        }
        if !missing.is_empty() && counts.returned > 0 {
            notes.push(format!(
                "{} of the names in `fields` occur in no item returned.",
                missing.len()
            ));
        }
        if !notes.is_empty() {
            out.push(&format!(",\"note\":\"{}\"", notes.join(" ")));
        }
        if !beside.is_empty() {
            out.push(",\"opmanager\":{");
            out.push(beside.text());
            out.ascii('}');
        }
        out.ascii('}');
    }

    /// Walks an object towards the list; everything beside it is written to `beside`, as far as there is
    /// room.
    fn find_list(
        &mut self,
        out: &mut Writer,
        end: usize,
        path: &[&str],
        beside: &mut Writer,
        room: usize,
        depth: u32,
    ) -> Result<Option<Counts>, Problem> {
        let mut counts = None;
        let mut left_out = 0;
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.key(depth)?;
            let name = decoded(&self.scan, &key);
            let kind = self.scan.kind()?;
            let wanted = match path.first() {
                Some(first) => name == *first,
                None => kind == Kind::Array && USUAL_LISTS.contains(&name.as_ref()),
            };
            if wanted && kind == Kind::Array && counts.is_none() {
                counts = Some(self.items(out, end, depth + 1)?);
            } else if wanted && kind == Kind::Object && path.len() > 1 && counts.is_none() {
                counts = self.find_list(out, end, &path[1..], beside, room, depth + 1)?;
            } else if self.name(beside, &key, beside.room(room).saturating_sub(MARK * 2)) {
                let markup = self.is_markup(&key);
                let end = room.max(beside.chars() + MARK) - MARK / 2;
                self.shrunk(beside, end, depth + 1, markup)?;
            } else {
                self.scan.skip(depth + 1)?;
                left_out += 1;
            }
            more = self.scan.next(b'}')?;
        }
        if left_out > 0 {
            beside.entry();
            beside.push(&format!("\"{MORE}\":\"{left_out} more fields\""));
        }
        Ok(counts)
    }

    /// Writes the selected items of a list, and counts the others.
    fn items(&mut self, out: &mut Writer, end: usize, depth: u32) -> Result<Counts, Problem> {
        let mut counts = Counts::default();
        let mut more = self.scan.open(b']')?;
        while more {
            let wanted = counts.total >= self.selection.offset
                && counts.returned < self.selection.limit.max(1)
                && !counts.full;
            if wanted {
                let (before, begin) = (out.mark(), self.scan.position());
                out.entry();
                if self.item(out, end, depth + 1)? {
                    counts.returned += 1;
                } else {
                    counts.full = true;
                    out.undo(before);
                    self.scan.rewind(begin);
                    if counts.returned == 0 {
                        self.shrunk_item(out, end, depth + 1)?;
                        counts.returned = 1;
                        counts.cut = true;
                    } else {
                        self.scan.skip(depth + 1)?;
                    }
                }
            } else {
                self.scan.skip(depth + 1)?;
            }
            counts.total += 1;
            more = self.scan.next(b']')?;
        }
        Ok(counts)
    }

    /// Writes one item with its selected fields; `false` if there is no room for it.
    fn item(&mut self, out: &mut Writer, end: usize, depth: u32) -> Result<bool, Problem> {
        if self.selection.fields.is_empty() || self.scan.kind()? != Kind::Object {
            return self.fitting(out, end, depth, false);
        }
        out.ascii('{');
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            if self.selects(&key) {
                self.name(out, &key, usize::MAX);
                let markup = self.is_markup(&key);
                if !self.fitting(out, end, depth + 1, markup)? {
                    return Ok(false);
                }
            } else {
                self.scan.skip(depth + 1)?;
            }
            more = self.scan.next(b'}')?;
        }
        out.ascii('}');
        Ok(out.chars() <= end)
    }

    pub(super) fn selects(&mut self, key: &Span) -> bool {
        let name = decoded(&self.scan, key);
        let mut selected = false;
        for (field, found) in self.selection.fields.iter().zip(&mut self.found) {
            if *field == name {
                *found = true;
                selected = true;
            }
        }
        selected
    }
}

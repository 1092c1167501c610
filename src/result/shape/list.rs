//! A list as its items arrive: those that are wanted and fit are written, the others are stepped over and counted.

use std::ops::Range;

use crate::json::{Kind, Scanner, Span, decoded, sent};

use super::super::envelope::Envelope;
use super::super::verdict::Problem;
use super::super::writer::Writer;
use super::{Context, Shaper};

/// Most names of fields that are kept to tell which exist, and the longest of them in bytes.
const NAMES: usize = 64;
const LONGEST_NAME: usize = 64;

/// A list, or an array that may turn out to be one.
pub(super) struct List {
    /// Its name as it was sent; empty for a bare array.
    pub(super) name: String,
    /// Whether it stands where the document says.
    pub(super) documented: bool,
    /// Whether it holds nothing, or objects.
    pub(super) plausible: bool,
    /// The place in the body of its opening bracket and, when it has ended, behind its closing one.
    pub(super) place: Range<usize>,
    /// The items written so far, separated by commas.
    pub(super) out: Writer,
    /// Longest text of the items.
    end: usize,
    pub(super) returned: usize,
    pub(super) total: usize,
    /// Whether the last item returned had to be shortened.
    pub(super) cut: bool,
    /// Whether items were left out for lack of room.
    pub(super) full: bool,
    /// How many items were longer than can be held, and are read in part.
    pub(super) long: usize,
    /// What the first item is, if it reports a failure and nothing else.
    pub(super) failure: Option<Problem>,
    pub(super) names: Names,
}

/// The names that a caller gave: which of them have been met, and which others there are.
pub(super) struct Names {
    found: Vec<bool>,
    /// Whether all of them have been met.
    complete: bool,
    /// Names that exist.
    existing: Vec<String>,
}

impl Names {
    pub(super) fn new(count: usize) -> Self {
        Self {
            found: vec![false; count],
            complete: count == 0,
            existing: Vec::new(),
        }
    }

    fn found(&mut self, number: usize) {
        if let Some(found) = self.found.get_mut(number)
            && !*found
        {
            *found = true;
            self.complete = self.found.iter().all(|found| *found);
        }
    }

    fn exists(&mut self, name: &str) {
        if self.existing.len() < NAMES
            && name.len() <= LONGEST_NAME
            && !self.existing.iter().any(|one| one == name)
        {
            self.existing.push(name.to_owned());
        }
    }

    /// Whether names were given and none of them has been met.
    pub(super) fn none_found(&self) -> bool {
        !self.found.is_empty() && !self.found.iter().any(|found| *found)
    }

    /// Those of the names given that have not been met.
    pub(super) fn missing<'n>(&self, names: &'n [String]) -> Vec<&'n str> {
        let mut missing: Vec<&str> = names
            .iter()
            .zip(&self.found)
            .filter(|(_, found)| !**found)
            .map(|(name, _)| name.as_str())
            .collect();
        missing.dedup();
        missing
    }

    /// The names that exist, for a reader.
    pub(super) fn existing(&self) -> String {
        self.existing.join(", ")
    }
}

/// What was learned of an item that is not counted yet.
pub(super) struct Looked {
    written: bool,
    cut: bool,
    full: bool,
}

impl List {
    pub(super) fn new(context: Context<'_>, name: String, documented: bool, end: usize) -> Self {
        Self {
            name,
            documented,
            plausible: true,
            place: 0..0,
            out: Writer::default(),
            end,
            returned: 0,
            total: 0,
            cut: false,
            full: false,
            long: 0,
            failure: None,
            names: Names::new(context.selection.fields.len()),
        }
    }

    /// Reads the item at which the scanner stands. What it writes is taken back if more bytes are needed; nothing is
    /// counted before [`Self::count`].
    pub(super) fn look(
        &mut self,
        context: Context<'_>,
        scan: &mut Scanner<'_>,
        depth: u32,
    ) -> Result<Looked, Problem> {
        let mut looked = Looked {
            written: false,
            cut: false,
            full: false,
        };
        let selection = context.selection;
        if self.total == 0 {
            self.plausible = scan.kind()? == Kind::Object;
            if depth == 1 {
                self.failure = failure(scan)?;
            }
        }
        let wanted =
            self.total >= selection.offset && self.returned < selection.limit.max(1) && !self.full;
        if !wanted {
            self.step_over(context, scan, depth)?;
            return Ok(looked);
        }
        let (before, begin) = (self.out.mark(), scan.position());
        self.out.entry();
        let mut shaper = Shaper {
            scan: scan.clone(),
            context,
            envelope: None,
        };
        if shaper.item(&mut self.out, self.end, depth, &mut self.names)? {
            looked.written = true;
        } else {
            self.out.undo(before);
            shaper.scan.rewind(begin);
            shaper.scan.skip(depth)?;
            looked.full = true;
            // Whoever follows `next_offset` must get on.
            looked.cut = self.returned == 0;
            looked.written = looked.cut;
        }
        scan.rewind(shaper.scan.position());
        Ok(looked)
    }

    /// Steps over an item; looks at its names as long as some that were given have not been met.
    fn step_over(
        &mut self,
        context: Context<'_>,
        scan: &mut Scanner<'_>,
        depth: u32,
    ) -> Result<(), Problem> {
        if self.names.complete || scan.kind()? != Kind::Object {
            return Ok(scan.skip(depth)?);
        }
        let mut shaper = Shaper {
            scan: scan.clone(),
            context,
            envelope: None,
        };
        let fields: Vec<(usize, &str)> = fields(&context.selection.fields);
        shaper.seen(depth, &fields, &mut self.names, true)?;
        scan.rewind(shaper.scan.position());
        Ok(())
    }

    /// Writes the item between two places of the text, if it is to be, and counts it.
    pub(super) fn count(
        &mut self,
        context: Context<'_>,
        looked: &Looked,
        item: Scanner<'_>,
        depth: u32,
    ) -> Result<(), Problem> {
        if looked.cut {
            let mut shaper = Shaper {
                scan: item,
                context,
                envelope: None,
            };
            shaper.shrunk_item(&mut self.out, self.end, depth, &mut self.names)?;
        }
        self.returned += usize::from(looked.written);
        self.cut |= looked.cut;
        self.full |= looked.full;
        self.total += 1;
        Ok(())
    }
}

/// Fields with their numbers, of which nothing has been met.
pub(super) fn fields(fields: &[String]) -> Vec<(usize, &str)> {
    fields
        .iter()
        .enumerate()
        .map(|(number, field)| (number, field.as_str()))
        .collect()
}

/// What an item is, if it reports a failure and nothing else.
pub(super) fn failure(scan: &Scanner<'_>) -> Result<Option<Problem>, Problem> {
    let mut scan = scan.clone();
    if scan.kind()? != Kind::Object {
        return Ok(None);
    }
    let mut envelope = Envelope::default();
    let mut more = scan.open(b'}')?;
    while more {
        let key = scan.key()?;
        envelope.member(&decoded(&scan, &key), &mut scan)?;
        scan.skip(2)?;
        more = scan.next(b'}')?;
    }
    Ok(envelope.inner_failure())
}

impl Shaper<'_, '_> {
    /// Writes one item with its selected fields; `false` if there is no room for it.
    fn item(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        names: &mut Names,
    ) -> Result<bool, Problem> {
        let given = &self.context.selection.fields;
        if given.is_empty() || self.scan.kind()? != Kind::Object {
            return self.fitting(out, end, depth, false);
        }
        self.project(out, end, depth, &fields(given), names, true)
    }

    /// Writes those fields of an object that are selected.
    pub(super) fn project(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        fields: &[(usize, &str)],
        names: &mut Names,
        outermost: bool,
    ) -> Result<bool, Problem> {
        out.ascii('{');
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            let (whole, inner) = self.selected(&key, fields, names);
            if outermost && !names.complete {
                names.exists(&decoded(&self.scan, &key));
            }
            let kind = self.scan.kind()?;
            if whole {
                self.name(out, &key, usize::MAX);
                let markup = self.is_markup(&key);
                if !self.fitting(out, end, depth + 1, markup)? {
                    return Ok(false);
                }
            } else if !inner.is_empty() && matches!(kind, Kind::Object | Kind::Array) {
                self.name(out, &key, usize::MAX);
                if !self.project_inner(out, end, depth + 1, &inner, names)? {
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

    /// Writes the selected fields of an object, or of each object of an array.
    fn project_inner(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        fields: &[(usize, &str)],
        names: &mut Names,
    ) -> Result<bool, Problem> {
        match self.scan.kind()? {
            Kind::Object => self.project(out, end, depth, fields, names, false),
            Kind::Array => {
                out.ascii('[');
                let mut more = self.scan.open(b']')?;
                while more {
                    out.entry();
                    let fits = if self.scan.kind()? == Kind::Object {
                        self.project(out, end, depth + 1, fields, names, false)?
                    } else {
                        self.fitting(out, end, depth + 1, false)?
                    };
                    if !fits {
                        return Ok(false);
                    }
                    more = self.scan.next(b']')?;
                }
                out.ascii(']');
                Ok(out.chars() <= end)
            }
            _ => self.fitting(out, end, depth, false),
        }
    }

    /// Whether a field is selected as a whole, and else which fields inside of it are.
    fn selected<'f>(
        &self,
        key: &Span,
        fields: &[(usize, &'f str)],
        names: &mut Names,
    ) -> (bool, Vec<(usize, &'f str)>) {
        let name = decoded(&self.scan, key);
        let mut whole = false;
        let mut inner = Vec::new();
        for &(number, field) in fields {
            if field.eq_ignore_ascii_case(&name) {
                names.found(number);
                whole = true;
            } else if let Some(rest) = below(field, &name) {
                inner.push((number, rest));
            }
        }
        (whole, inner)
    }

    /// Steps over an object and notes which of the fields are in it.
    fn seen(
        &mut self,
        depth: u32,
        fields: &[(usize, &str)],
        names: &mut Names,
        outermost: bool,
    ) -> Result<(), Problem> {
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            let name = sent(&self.scan, &key);
            let mut inner = Vec::new();
            for &(number, field) in fields {
                if field.eq_ignore_ascii_case(&name) {
                    names.found(number);
                } else if let Some(rest) = below(field, &name) {
                    inner.push((number, rest));
                }
            }
            if outermost && names.existing.len() < NAMES {
                names.exists(&decoded(&self.scan, &key));
            }
            if !inner.is_empty() && self.scan.kind()? == Kind::Object {
                self.seen(depth + 1, &inner, names, false)?;
            } else {
                self.scan.skip(depth + 1)?;
            }
            more = self.scan.next(b'}')?;
        }
        Ok(())
    }

    /// Writes an item that does not fit, shortened: its selected fields only.
    fn shrunk_item(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        names: &mut Names,
    ) -> Result<(), Problem> {
        out.entry();
        if self.context.selection.fields.is_empty() || self.scan.kind()? != Kind::Object {
            return self.shrunk(out, end, depth, false);
        }
        let mut selected = Writer::default();
        self.item(&mut selected, usize::MAX, depth, names)?;
        out.add_repaired(&selected);
        let mut shaper = Shaper {
            scan: Scanner::lenient(selected.text().as_bytes()),
            context: self.context,
            envelope: None,
        };
        shaper.shrunk(out, end, depth, false)
    }
}

/// The rest of a dotted name inside of the field `name`.
pub(super) fn below<'f>(field: &'f str, name: &str) -> Option<&'f str> {
    let (head, rest) = (field.get(..name.len())?, field.get(name.len()..)?);
    head.eq_ignore_ascii_case(name)
        .then(|| rest.strip_prefix('.'))
        .flatten()
}

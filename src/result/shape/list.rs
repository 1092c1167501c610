//! A list as its items arrive: those that are wanted and fit are written, the others are stepped over and counted.

use std::borrow::Cow;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use crate::json::{Kind, Scanner, Span, decoded};
use crate::sanitize;

use super::super::envelope::Envelope;
use super::super::query::{Rank, Test};
use super::super::verdict::Problem;
use super::super::writer::Writer;
use super::{Context, Shaper};

/// Most groups that are counted each for itself.
const GROUPS: usize = 1000;
/// Longest value that names a group, in characters.
const LONGEST_GROUP: usize = 200;
/// Most items that are held to be put in order, and most bytes of them all.
const HELD: usize = 20_000;
const HELD_BYTES: usize = 4 << 20;
/// Longest item that is held as it came, in bytes. Longer ones are held as the text that is made of them.
const HELD_ITEM: usize = 64 << 10;

/// Most names of fields that are kept to tell which exist, and the longest of them in bytes.
const NAMES: usize = 64;
const LONGEST_NAME: usize = 64;

/// A list, or an array that may turn out to be one.
pub(super) struct List<'a> {
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
    /// The fields to keep.
    fields: Vec<(usize, &'a str)>,
    /// Names whose values decide about an item: of conditions, of the order and of groups, in this sequence.
    wants: Vec<(usize, &'a str)>,
    /// Places in `wants` of codes, each with that of the word which counts where an item has no code.
    instead: Vec<(usize, usize)>,
    tests: Vec<Test>,
    /// A condition that could not be compared with a value, by its number, and why.
    pub(super) uncomparable: Option<(usize, &'static str)>,
    /// Where the values are that the item has for `wants`.
    found: Vec<Found>,
    /// The names of the item before, as they were sent, up to where their values began: mostly the next item has the same.
    layout: Vec<(Vec<u8>, Step)>,
    /// How many items meet the conditions.
    pub(super) matched: usize,
    /// The first items in the order that was asked for, as far as they are known.
    held: BinaryHeap<Held>,
    held_bytes: usize,
    pub(super) groups: Groups,
}

/// Where a value is, if an item has it.
type Found = Option<(Kind, Range<usize>)>;

/// What to do at a name that was met before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing is asked about it.
    Over,
    /// Its value is asked for once.
    Take(usize),
    /// Something else.
    Look,
}

/// An item that is held to be put in order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    ranks: Vec<Rank>,
    number: usize,
    item: Vec<u8>,
}

/// How many items have which values.
#[derive(Default)]
pub(super) struct Groups {
    counts: HashMap<Vec<String>, usize>,
    /// Items of groups that are not counted for themselves.
    pub(super) other: usize,
}

impl Groups {
    fn count(&mut self, values: Vec<String>) {
        let full = self.counts.len() >= GROUPS;
        match self.counts.get_mut(&values) {
            Some(count) => *count += 1,
            None if full => self.other += 1,
            None => {
                self.counts.insert(values, 1);
            }
        }
    }

    /// The groups, largest first.
    pub(super) fn sorted(&self) -> Vec<(&Vec<String>, usize)> {
        let mut groups: Vec<_> = self
            .counts
            .iter()
            .map(|(values, count)| (values, *count))
            .collect();
        groups.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
        groups
    }
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

    /// Whether a name has been met.
    pub(super) fn is_found(&self, number: usize) -> bool {
        self.found.get(number).is_some_and(|found| *found)
    }

    /// Those of the names given, by their numbers, that have not been met.
    pub(super) fn missing<'n>(
        &self,
        names: impl Iterator<Item = (usize, &'n str)>,
    ) -> Vec<&'n str> {
        let mut missing: Vec<&str> = Vec::new();
        for (number, name) in names {
            if !self.is_found(number) && !missing.contains(&name) {
                missing.push(name);
            }
        }
        missing
    }

    /// How many different names these are.
    pub(super) fn count(&self, names: &[String]) -> usize {
        let mut names: Vec<&String> = names.iter().collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// The names that exist, for a reader.
    pub(super) fn existing(&self) -> String {
        self.existing.join(", ")
    }
}

/// What was learned of an item that is not counted yet.
#[derive(Default)]
pub(super) struct Looked {
    matched: bool,
    written: bool,
    cut: bool,
    full: bool,
    ranks: Option<Vec<Rank>>,
    /// It is behind all items that are held, and no more are.
    late: bool,
    group: Option<Vec<String>>,
}

impl<'a> List<'a> {
    pub(super) fn new(context: Context<'a>, name: String, documented: bool, end: usize) -> Self {
        let query = &context.selection.query;
        let named = context.named().len();
        let plan = context.plan;
        let others = || {
            query
                .sort
                .names()
                .chain(query.count_by.iter().map(String::as_str))
        };
        let asked: Vec<&'a str> = query.filter.names().chain(others()).collect();
        let codes = query
            .filter
            .fields(plan)
            .chain(others().map(|name| plan.meant(name)));
        let mut wants: Vec<&'a str> = codes.collect();
        // The code of a word counts, and the word itself where an item has no code.
        let words = asked
            .iter()
            .zip(&wants)
            .enumerate()
            .filter(|(_, (asked, want))| asked != want);
        let words: Vec<(usize, &'a str)> = words.map(|(want, (asked, _))| (want, *asked)).collect();
        let instead = (wants.len()..)
            .zip(&words)
            .map(|(own, (want, _))| (*want, own))
            .collect();
        wants.extend(words.iter().map(|(_, word)| *word));
        let names = Names::new(named + wants.len());
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
            names,
            fields: context.fields(),
            wants: (named..).zip(wants).collect(),
            instead,
            tests: query.filter.tests(plan),
            uncomparable: None,
            found: Vec::new(),
            layout: Vec::new(),
            matched: 0,
            held: BinaryHeap::new(),
            held_bytes: 0,
            groups: Groups::default(),
        }
    }

    /// Whether the next item is only counted: nothing is asked of it, and it is not written.
    #[inline]
    pub(super) fn counts_only(&self, context: Context<'_>) -> bool {
        let selection = context.selection;
        self.wants.is_empty()
            && self.names.complete
            && (self.full
                || self.returned >= selection.limit.max(1)
                || self.total < selection.offset)
    }

    /// Whether a name of a question has been met, by its number among all names: its code, or the word itself.
    pub(super) fn is_met(&self, number: usize) -> bool {
        let numbered = |place: &usize| self.wants.get(*place).map(|(number, _)| *number);
        self.names.is_found(number)
            || self.instead.iter().any(|(code, word)| {
                numbered(code) == Some(number)
                    && numbered(word).is_some_and(|word| self.names.is_found(word))
            })
    }

    /// Counts an item of which nothing is asked.
    #[inline]
    pub(super) fn count_only(&mut self) {
        self.total += 1;
        self.matched += 1;
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
            matched: true,
            ..Looked::default()
        };
        if self.total == 0 {
            self.plausible = scan.kind()? == Kind::Object;
            if depth == 1 {
                self.failure = failure(scan)?;
            }
        }
        let begin = scan.position();
        let behind = if self.wants.is_empty() {
            None
        } else {
            self.question(context, scan, depth, &mut looked)?;
            Some(scan.position())
        };
        let selection = context.selection;
        let wanted = looked.matched
            && looked.ranks.is_none()
            && !looked.late
            && looked.group.is_none()
            && self.matched >= selection.offset
            && self.returned < selection.limit.max(1)
            && !self.full;
        if !wanted {
            if behind.is_none() {
                self.step_over(context, scan, depth)?;
            }
            return Ok(looked);
        }
        scan.rewind(begin);
        if self.write(context, scan, depth)? {
            looked.written = true;
        } else {
            scan.rewind(begin);
            scan.skip(depth)?;
            looked.full = true;
            // Whoever follows `next_offset` must get on.
            looked.cut = self.returned == 0;
            looked.written = looked.cut;
        }
        Ok(looked)
    }

    /// Writes an item; `false`, and nothing is written, if there is no room for it.
    fn write(
        &mut self,
        context: Context<'_>,
        scan: &mut Scanner<'_>,
        depth: u32,
    ) -> Result<bool, Problem> {
        let before = self.out.mark();
        self.out.entry();
        let mut shaper = Shaper::new(scan.clone(), context);
        let fits = shaper.item(
            &mut self.out,
            self.end,
            depth,
            &self.fields,
            &mut self.names,
        )?;
        if !fits {
            self.out.undo(before);
        }
        scan.rewind(shaper.scan.position());
        Ok(fits)
    }

    /// Finds out whether the item meets the conditions, and which place and group it has.
    fn question(
        &mut self,
        context: Context<'_>,
        scan: &mut Scanner<'_>,
        depth: u32,
        looked: &mut Looked,
    ) -> Result<(), Problem> {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        found.resize(self.wants.len(), None);
        let asked = self.ask(context, scan, depth, &mut found, looked);
        self.found = found;
        asked
    }

    /// As [`Self::question`], with a place for what is found.
    fn ask(
        &mut self,
        context: Context<'_>,
        scan: &mut Scanner<'_>,
        depth: u32,
        found: &mut [Found],
        looked: &mut Looked,
    ) -> Result<(), Problem> {
        let query = &context.selection.query;
        let mut shaper = Shaper::new(scan.clone(), context);
        if shaper.scan.kind()? != Kind::Object {
            shaper.scan.skip(depth)?;
        } else if self.names.complete {
            self.walk(&mut shaper, depth, found)?;
        } else {
            let first = self.wants.first().map_or(0, |(number, _)| *number);
            let all: Vec<_> = self.fields.iter().chain(&self.wants).copied().collect();
            shaper.values(depth, &all, first, found, &mut self.names, true)?;
        }
        scan.rewind(shaper.scan.position());
        let asked = self.wants.len() - self.instead.len();
        let (filter, rest) = found[..asked].split_at(self.tests.len());
        let shown = |number: usize, value: &Found| {
            let (_, name) = *self.wants.get(number)?;
            let (kind, range) = value.as_ref()?;
            shaper.text(name, *kind, range.clone())
        };
        let text = |number: usize, value: &Found| {
            if value.is_some() || self.instead.is_empty() {
                return shown(number, value);
            }
            let (_, word) = self.instead.iter().find(|(code, _)| *code == number)?;
            let word = shown(*word, &found[*word])?;
            let (_, code) = self.wants.get(number)?;
            Some(match context.plan.code(code, &word) {
                Some(code) => Cow::Owned(code.to_owned()),
                None => word,
            })
        };
        let mut uncomparable = None;
        looked.matched =
            self.tests
                .iter()
                .zip(filter)
                .enumerate()
                .all(
                    |(number, (test, value))| match test.fits(text(number, value).as_deref()) {
                        Ok(fits) => fits,
                        Err(why) => {
                            uncomparable = Some((number, why));
                            false
                        }
                    },
                );
        if !looked.matched {
            self.uncomparable = self.uncomparable.or(uncomparable);
            return Ok(());
        }
        let sorted = query.sort.names().count();
        let values: Vec<_> = rest
            .iter()
            .enumerate()
            .map(|(number, value)| text(self.tests.len() + number, value))
            .collect();
        let (order, groups) = values.split_at(sorted);
        if !groups.is_empty() {
            let group = groups.iter().map(|value| {
                let text = value.as_deref().unwrap_or_default();
                text.chars().take(LONGEST_GROUP).collect()
            });
            looked.group = Some(group.collect());
        } else if !order.is_empty() {
            let last = self.held.peek().filter(|_| self.is_bounded(context));
            let last = last.map(|last| (last.ranks.as_slice(), last.number < self.total));
            looked.ranks = query.sort.rank(order.iter().map(Option::as_deref), last);
            looked.late = looked.ranks.is_none();
        }
        Ok(())
    }

    /// Finds the values of an item whose names are mostly those of the item before.
    fn walk(
        &mut self,
        shaper: &mut Shaper<'_, '_>,
        depth: u32,
        found: &mut [Found],
    ) -> Result<(), Problem> {
        let first = self.wants.first().map_or(0, |(number, _)| *number);
        let mut place = 0;
        let mut more = shaper.scan.open(b'}')?;
        while more {
            let known = self.layout.get(place);
            let step = match known {
                Some((tokens, step)) if *step != Step::Look && shaper.scan.take(tokens) => *step,
                _ => self.learn(shaper, place)?,
            };
            place += 1;
            match step {
                Step::Over => shaper.scan.skip_field(depth + 1)?,
                Step::Take(number) => {
                    let (kind, begin) = (shaper.scan.kind()?, shaper.scan.position());
                    shaper.scan.skip_field(depth + 1)?;
                    found[number] = Some((kind, begin..shaper.scan.position()));
                }
                Step::Look => {
                    let names = &mut self.names;
                    shaper.value(depth, &self.wants, first, found, names, false)?;
                }
            }
            more = shaper.scan.next(b'}')?;
        }
        Ok(())
    }

    /// Notes what to do at the name at which the scanner stands. It is stepped over unless it is to be looked at.
    fn learn(&mut self, shaper: &mut Shaper<'_, '_>, place: usize) -> Result<Step, Problem> {
        let begin = shaper.scan.position();
        let key = shaper.scan.key()?;
        let name = decoded(&shaper.scan, &key);
        let first = self.wants.first().map_or(0, |(number, _)| *number);
        let mut step = Step::Over;
        for (number, wanted) in &self.wants {
            if wanted.eq_ignore_ascii_case(&name) && step == Step::Over {
                step = Step::Take(number - first);
            } else if wanted.eq_ignore_ascii_case(&name) || below(wanted, &name).is_some() {
                step = Step::Look;
            }
        }
        let tokens = shaper.scan.bytes(begin..shaper.scan.position());
        let tokens = if tokens.len() <= LONGEST_NAME * 2 {
            tokens
        } else {
            &[]
        };
        let learned = (
            tokens.to_vec(),
            if tokens.is_empty() { Step::Look } else { step },
        );
        if step == Step::Look {
            shaper.scan.rewind(begin);
        }
        if let Some(known) = self.layout.get_mut(place) {
            *known = learned;
        } else if place == self.layout.len() && place < NAMES {
            self.layout.push(learned);
        }
        Ok(step)
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
        let mut shaper = Shaper::new(scan.clone(), context);
        shaper.values(
            depth,
            &self.fields,
            usize::MAX,
            &mut [],
            &mut self.names,
            true,
        )?;
        scan.rewind(shaper.scan.position());
        Ok(())
    }

    /// Writes or holds the item at which `item` stands, if it is to be, and counts it. It ends at `end`.
    pub(super) fn count(
        &mut self,
        context: Context<'_>,
        looked: Looked,
        item: Scanner<'_>,
        end: usize,
        depth: u32,
    ) -> Result<(), Problem> {
        let number = self.total;
        self.total += 1;
        self.matched += usize::from(looked.matched);
        if let Some(group) = looked.group {
            self.groups.count(group);
        }
        if looked.late {
            self.full |= most(context) > HELD;
            return Ok(());
        }
        if let Some(ranks) = looked.ranks {
            return self.hold(context, ranks, number, item, end, depth);
        }
        if looked.cut {
            self.shorten(context, item, depth)?;
        }
        self.returned += usize::from(looked.written);
        self.cut |= looked.cut;
        self.full |= looked.full;
        Ok(())
    }

    /// Writes an item that does not fit, shortened.
    fn shorten(
        &mut self,
        context: Context<'_>,
        item: Scanner<'_>,
        depth: u32,
    ) -> Result<(), Problem> {
        let mut shaper = Shaper::new(item, context);
        shaper.shrunk_item(
            &mut self.out,
            self.end,
            depth,
            &self.fields,
            &mut self.names,
        )
    }

    /// Whether no more items are held than are.
    fn is_bounded(&self, context: Context<'_>) -> bool {
        // What was left out for lack of room leaves room for nothing that comes after it.
        self.held.len() >= most(context).min(HELD) || self.full
    }

    /// Holds an item that is among the first in the order.
    fn hold(
        &mut self,
        context: Context<'_>,
        ranks: Vec<Rank>,
        number: usize,
        item: Scanner<'_>,
        end: usize,
        depth: u32,
    ) -> Result<(), Problem> {
        let most = most(context);
        let raw = item.bytes(item.position()..end);
        let bytes = if raw.len() <= HELD_ITEM {
            raw.to_vec()
        } else {
            let mut text = Writer::default();
            let mut shaper = Shaper::new(item, context);
            shaper.shrunk_item(&mut text, self.end, depth, &self.fields, &mut self.names)?;
            text.into_text().into_bytes()
        };
        self.held_bytes += bytes.len();
        self.held.push(Held {
            ranks,
            number,
            item: bytes,
        });
        while self.held.len() > 1
            && (self.held.len() > most.min(HELD) || self.held_bytes > HELD_BYTES)
        {
            self.full |= self.held.len() <= most;
            if let Some(last) = self.held.pop() {
                self.held_bytes -= last.item.len();
            }
        }
        Ok(())
    }

    /// Writes the items that were held, when all items have been read.
    pub(super) fn write_held(&mut self, context: Context<'_>) -> Result<(), Problem> {
        let offset = context.selection.offset;
        let held = std::mem::take(&mut self.held).into_sorted_vec();
        let held_all = held.len();
        for one in held.iter().skip(offset) {
            let mut scan = Scanner::lenient(&one.item);
            if self.write(context, &mut scan, 1)? {
                self.returned += 1;
                continue;
            }
            self.full = true;
            if self.returned == 0 {
                self.shorten(context, Scanner::lenient(&one.item), 1)?;
                self.returned = 1;
                self.cut = true;
            }
            return Ok(());
        }
        // Less was held than was asked for: the next page must begin behind what was returned.
        self.full &= offset + self.returned < self.matched && held_all < self.matched;
        Ok(())
    }
}

/// How many items are wanted from the beginning of the order on.
fn most(context: Context<'_>) -> usize {
    let selection = context.selection;
    selection.limit.max(1).saturating_add(selection.offset)
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

impl<'s> Shaper<'_, 's> {
    /// Writes one item with its selected fields; `false` if there is no room for it.
    fn item(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        fields: &[(usize, &str)],
        names: &mut Names,
    ) -> Result<bool, Problem> {
        if fields.is_empty() || self.scan.kind()? != Kind::Object {
            return self.fitting(out, end, depth, false);
        }
        let (before, begin) = (out.mark(), self.scan.position());
        let fits = self.project(out, end, depth, fields, names, true)?;
        if fits && self.context.selection.fields.is_empty() && out.since(before) == 2 {
            // It has none of the fields that the plan names: all of it is better than nothing.
            out.undo(before);
            self.scan.rewind(begin);
            return self.fitting(out, end, depth, false);
        }
        Ok(fits)
    }

    /// Writes an object without some of its fields.
    pub(super) fn without(&mut self, out: &mut Writer, names: &[&str]) -> Result<(), Problem> {
        out.ascii('{');
        let mut more = self.scan.open(b'}')?;
        while more {
            let key = self.scan.key()?;
            let name = decoded(&self.scan, &key);
            if names.iter().any(|one| *one == name) {
                self.scan.skip(1)?;
            } else {
                self.name(out, &key, usize::MAX);
                let markup = self.is_markup(&key);
                self.fitting(out, usize::MAX, 1, markup)?;
            }
            more = self.scan.next(b'}')?;
        }
        out.ascii('}');
        Ok(())
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

    /// Steps over an object, notes which of the names are in it, and where the values of those are that have numbers from
    /// `first` on.
    fn values(
        &mut self,
        depth: u32,
        names: &[(usize, &str)],
        first: usize,
        found: &mut [Found],
        known: &mut Names,
        outermost: bool,
    ) -> Result<(), Problem> {
        let mut more = self.scan.open(b'}')?;
        while more {
            self.value(depth, names, first, found, known, outermost)?;
            more = self.scan.next(b'}')?;
        }
        Ok(())
    }

    /// One member for [`Self::values`].
    fn value(
        &mut self,
        depth: u32,
        names: &[(usize, &str)],
        first: usize,
        found: &mut [Found],
        known: &mut Names,
        outermost: bool,
    ) -> Result<(), Problem> {
        let key = self.scan.key()?;
        let name = match self.scan.bytes(key.range.clone()) {
            sent if !key.escaped && sent.is_ascii() => Cow::Borrowed(sent),
            _ => Cow::Owned(decoded(&self.scan, &key).into_owned().into_bytes()),
        };
        let mut inner = Vec::new();
        let mut place = None;
        for &(number, wanted) in names {
            if wanted.as_bytes().eq_ignore_ascii_case(&name) {
                known.found(number);
                if let Some(number) = number.checked_sub(first)
                    && number < found.len()
                {
                    let kind = self.scan.kind()?;
                    let place = place.get_or_insert_with(Vec::new);
                    place.push((number, kind));
                }
            } else if wanted.len() > name.len()
                && wanted.as_bytes()[name.len()] == b'.'
                && wanted.as_bytes()[..name.len()].eq_ignore_ascii_case(&name)
            {
                inner.push((number, &wanted[name.len() + 1..]));
            }
        }
        if outermost && !known.complete && known.existing.len() < NAMES {
            known.exists(&decoded(&self.scan, &key));
        }
        let begin = self.scan.position();
        if !inner.is_empty() && self.scan.kind()? == Kind::Object {
            self.values(depth + 1, &inner, first, found, known, false)?;
        } else {
            self.scan.skip(depth + 1)?;
        }
        for (number, kind) in place.unwrap_or_default() {
            found[number] = Some((kind, begin..self.scan.position()));
        }
        Ok(())
    }

    /// The text of a value as a reader sees it; `None` for a container and for `null`.
    fn text(&self, name: &str, kind: Kind, range: Range<usize>) -> Option<Cow<'s, str>> {
        let gate = self.context.gate;
        let harmless = |text: Cow<'s, str>| match gate.redacted(&text) {
            None => text,
            Some(harmless) => Cow::Owned(harmless),
        };
        match kind {
            Kind::String => {
                let mut scan = self.scan.clone();
                scan.rewind(range.start);
                let span = scan.string().ok()?;
                let last = name.rsplit('.').next().unwrap_or_default();
                let markup = self.context.plan.markup;
                let markup = markup.iter().any(|one| one.eq_ignore_ascii_case(last));
                let text = decoded(&scan, &span);
                if !markup && sanitize::is_plain(&text) {
                    return Some(harmless(text));
                }
                Some(Cow::Owned(gate.value(&text, markup).into_owned()))
            }
            Kind::Number | Kind::Word => {
                let text = self.scan.plain(range);
                (text != "null").then(|| harmless(Cow::Borrowed(text)))
            }
            Kind::Object | Kind::Array => None,
        }
    }

    /// Writes an item that does not fit, shortened: its selected fields only.
    fn shrunk_item(
        &mut self,
        out: &mut Writer,
        end: usize,
        depth: u32,
        fields: &[(usize, &str)],
        names: &mut Names,
    ) -> Result<(), Problem> {
        out.entry();
        if fields.is_empty() || self.scan.kind()? != Kind::Object {
            return self.shrunk(out, end, depth, false);
        }
        let mut selected = Writer::default();
        self.item(&mut selected, usize::MAX, depth, fields, names)?;
        out.add_repaired(&selected);
        let text = selected.text().as_bytes();
        Shaper::new(Scanner::lenient(text), self.context).shrunk(out, end, depth, false)
    }
}

/// The rest of a dotted name inside of the field `name`.
pub(super) fn below<'f>(field: &'f str, name: &str) -> Option<&'f str> {
    let (head, rest) = (field.get(..name.len())?, field.get(name.len()..)?);
    head.eq_ignore_ascii_case(name)
        .then(|| rest.strip_prefix('.'))
        .flatten()
}

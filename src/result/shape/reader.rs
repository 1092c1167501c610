//! Reads an answer as its bytes arrive.
//!
//! Owns the outer structure of an answer: the object around a list, what stands beside it, and which array is the list.
//! One item or member is held at a time, so memory grows with what is asked for and not with what is sent. Where the
//! bytes are split changes nothing: whatever is incomplete is read again when there is more of it.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::sync::LazyLock;

use crate::foreign::{Foreign, Gate, Redact, Source};
use crate::json::{Flaw, Kind, Mode, Scanner, Walk, decoded, repaired};

use super::super::counters::{self, Counter};
use super::super::envelope::{Envelope, is_telling};
use super::super::verdict::Problem;
use super::super::writer::Writer;
use super::list::{List, Names, failure as item_failure};
use super::table::table;
use super::{Context, ENVELOPE_RESERVE, Limits, MARK, MORE, Plan, Selection, Shaper};

/// Longest item or member that is held, in bytes. Of longer ones the beginning is read.
const LONGEST: usize = 1 << 20;
/// Longest answer that is held while it is open whether it has a list, and longest answer without a list that is read
/// whole, in bytes.
pub const HELD: usize = 4 << 20;
/// Longest member beside a list that is shown and also looked into for a list, in bytes.
const SMALL: usize = 64 << 10;
/// Most arrays that are read as if they were the list while it is open which one is.
const LISTS: usize = 4;
/// Deepest place of a list: how many containers are around it.
const DEEPEST_LIST: usize = 3;
/// Names under which OpManager and products like it send lists. They decide where there are several.
const USUAL_LISTS: [&str; 6] = ["rows", "List", "Details", "data", "items", "result"];
/// What is kept free for what stands beside a list, at least.
const LEAST_SIBLINGS: usize = 256;

/// Reads an answer as its bytes arrive.
pub struct Reader<'a> {
    context: Context<'a>,
    limits: Limits,
    purpose: Purpose<'a>,
    /// Bytes that were not read yet, and while it is open whether there is a list, all of them.
    pending: Vec<u8>,
    /// Where reading goes on, in `pending` or in the bytes at hand.
    at: usize,
    /// Bytes that are gone from before `pending`.
    gone: usize,
    /// How many bytes there must be before what is incomplete is read again.
    wait: usize,
    /// Whether all bytes are kept.
    keep: bool,
    state: State,
    frames: Vec<Frame>,
    lists: Vec<List<'a>>,
    /// More arrays than could be read were met.
    too_many: bool,
    documented: Option<usize>,
    siblings: Siblings,
    /// What the members of the outermost object say of success.
    envelope: Envelope,
    /// A value that is too long to be held.
    long: Option<Long>,
}

/// Takes an item of a list, as JSON text; it breaks off when it wants no more.
pub(crate) type Each<'a> = Box<dyn FnMut(&str) -> ControlFlow<()> + Send + 'a>;

/// What an answer is read for.
enum Purpose<'a> {
    /// The text that is made of it.
    Text,
    /// The verdict, and the place of the list.
    Verdict,
    /// The items of its list; nobody as soon as no more are wanted.
    Rows(Option<Each<'a>>),
}

/// What was read of an answer.
#[derive(Debug, Default)]
pub struct Read {
    /// Its text, if that was wanted.
    pub text: String,
    /// Whether it has a list whose items were handed over.
    pub(crate) list: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    /// Behind an opening bracket.
    First,
    /// At a key or an item.
    Entry,
    /// Behind a value.
    After,
    End,
}

/// A container that was stepped into.
enum Frame {
    /// An object, and how many keys that lead to the documented list have led here.
    Object { path: Option<usize> },
    /// An array, by its number among the lists; none if it is one too many.
    List(Option<usize>),
}

/// A value that is too long to be held: its beginning, and the walk to its end.
struct Long {
    walk: Walk,
    beginning: Vec<u8>,
    cut: Option<Vec<u8>>,
    /// The name of a member; none for an item.
    name: Option<String>,
}

/// What stands beside a list.
#[derive(Default)]
struct Siblings {
    /// Members as they are written, and the list that each is if it is one.
    written: Vec<(Writer, Range<usize>)>,
    chars: usize,
    left_out: usize,
    /// Those that are named in `fields`, in lower case.
    named: Vec<String>,
    /// The note on counters that are wrong, if any are.
    wrong: Option<&'static str>,
}

/// What a judged answer is.
pub(in super::super) struct Outline<'p> {
    /// Where the list is that does not stand where it is documented.
    list: Option<Range<usize>>,
    /// There is nothing to list.
    nothing: bool,
    path: Option<&'p [&'p str]>,
}

impl Outline<'_> {
    /// The body as the document describes it: strict JSON, with the list in its place.
    pub(in super::super) fn documented<'b>(&self, body: &'b [u8]) -> Cow<'b, [u8]> {
        let list = match &self.list {
            _ if self.nothing => &b"[]"[..],
            Some(place) => body.get(place.clone()).unwrap_or_default(),
            None => return repaired(body),
        };
        let list = repaired(list);
        let Some(path) = self.path.filter(|path| !path.is_empty()) else {
            return Cow::Owned(list.into_owned());
        };
        let mut text = Vec::with_capacity(list.len() + 64);
        for key in path {
            text.extend_from_slice(format!("{{{}:", crate::json::quoted(key)).as_bytes());
        }
        text.extend_from_slice(&list);
        text.extend(path.iter().map(|_| b'}'));
        Cow::Owned(text)
    }
}

/// Checks a body without making a text of it. Places in it count from behind a byte order mark and white space.
pub(in super::super) fn outline<'p>(body: &[u8], plan: Plan<'p>) -> Result<Outline<'p>, Problem> {
    let mut reader = Reader::judge(plan);
    reader.advance(body, true)?;
    reader.failure()?;
    let begin = Scanner::lenient(body).position();
    // A bare array may stand for a documented object around it.
    let list = reader.chosen().filter(|list| {
        let list = &reader.lists[*list];
        !list.documented || list.name.is_empty() && plan.list.is_some_and(|path| !path.is_empty())
    });
    Ok(Outline {
        nothing: reader.nothing().is_some(),
        list: list.map(|list| {
            let Range { start, end } = reader.lists[list].place;
            start - begin..end - begin
        }),
        path: plan.list,
    })
}

impl<'a> Reader<'a> {
    /// A reader of one answer.
    pub fn new(
        plan: Plan<'a>,
        selection: &'a Selection,
        limits: Limits,
        redact: Redact<'a>,
    ) -> Self {
        Self {
            context: Context {
                plan,
                selection,
                gate: Gate::new(redact).raw(limits.raw),
            },
            limits,
            purpose: Purpose::Text,
            pending: Vec::new(),
            at: 0,
            gone: 0,
            wait: 0,
            keep: true,
            state: State::Begin,
            frames: Vec::new(),
            lists: Vec::new(),
            too_many: false,
            documented: None,
            siblings: Siblings::default(),
            envelope: Envelope::default(),
            long: None,
        }
    }

    /// A reader that makes no text.
    pub(crate) fn judge(plan: Plan<'a>) -> Self {
        static EVERYTHING: LazyLock<Selection> = LazyLock::new(Selection::default);
        Self {
            purpose: Purpose::Verdict,
            ..Self::new(plan, &EVERYTHING, Limits::default(), &|_| None)
        }
    }

    /// A reader that hands over the items of the list. Whether the answer is a success is known at its end.
    pub(crate) fn rows(plan: Plan<'a>, each: Each<'a>) -> Self {
        Self {
            purpose: Purpose::Rows(Some(each)),
            ..Self::judge(plan)
        }
    }

    fn writes(&self) -> bool {
        matches!(self.purpose, Purpose::Text)
    }

    /// Takes the next bytes of the answer.
    ///
    /// # Errors
    ///
    /// [`Problem`] as soon as the answer is known to be none.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if self.pending.is_empty() && !self.keep {
            self.advance(bytes, false)?;
            self.pending.extend_from_slice(&bytes[self.at..]);
        } else {
            self.pending.extend_from_slice(bytes);
            if self.pending.len() < self.wait {
                return Ok(());
            }
            let pending = std::mem::take(&mut self.pending);
            let advanced = self.advance(&pending, false);
            self.pending = pending;
            advanced?;
            if self.keep {
                return Ok(());
            }
            self.pending.drain(..self.at);
        }
        self.gone += self.at;
        self.wait = self.wait.saturating_sub(self.at);
        self.at = 0;
        Ok(())
    }

    /// What was read of the answer, of which all bytes were taken.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the answer is not whole JSON of bounded depth, reports an error, or has none of the selected
    /// fields.
    pub fn finish(mut self) -> Result<Read, Problem> {
        let pending = std::mem::take(&mut self.pending);
        self.conclude(&pending)
    }

    /// What is read of an answer that is here as a whole.
    pub(in super::super) fn whole(self, body: &[u8]) -> Result<Read, Problem> {
        self.conclude(body)
    }

    /// Reads as far as the bytes go that are here from the last time on.
    fn advance(&mut self, bytes: &[u8], last: bool) -> Result<(), Problem> {
        if self.keep && self.gone + bytes.len() > HELD {
            self.keep = false;
        }
        // An answer without a list is written from all of it, if that can be held.
        if self.keep && self.writes() && self.context.plan.list.is_none() {
            return Ok(());
        }
        loop {
            let more = match self.long.is_some() {
                true => self.walk(bytes),
                false => self.step(bytes, last),
            };
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(Problem::Flaw(Flaw::Truncated)) => {
                    let ahead = bytes.len() - self.at;
                    if ahead > LONGEST && self.long.is_none() {
                        self.begin_long(bytes)?;
                    } else if last {
                        return Err(Flaw::Truncated.into());
                    } else {
                        // Read again at twice the length only, so that many small parts cost no more than few.
                        self.wait = self.at + ahead * 2;
                        return Ok(());
                    }
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Reads one token or value of the outer structure; `false` if there is nothing left to read.
    fn step(&mut self, bytes: &[u8], last: bool) -> Result<bool, Problem> {
        let mode = if last { Mode::Whole } else { Mode::Part };
        if self.state == State::Begin {
            if bytes.len() < 3 && !last {
                return Err(Flaw::Truncated.into());
            }
            self.at = Scanner::lenient(bytes).position();
            return self.begin(Scanner::at(bytes, self.at, mode), last);
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        let mut scan = Scanner::at(bytes, self.at, mode);
        let depth = nested(self.frames.len());
        match (self.state, self.frames.last()) {
            (State::End, _) | (_, None) => {
                if self.at < bytes.len() {
                    return Err(Flaw::Invalid.into());
                }
                return Ok(false);
            }
            (State::First, Some(frame)) => {
                let close = frame.close();
                if bytes.get(self.at).ok_or(Flaw::Truncated)? == &close {
                    self.at += 1;
                    self.leave();
                } else {
                    self.state = State::Entry;
                }
            }
            (State::After, Some(frame)) => {
                let more = scan.next(frame.close())?;
                if more {
                    // White space behind a comma is not waited for.
                    self.at += 1;
                    self.state = State::Entry;
                } else {
                    self.at = scan.position();
                    self.leave();
                }
            }
            (State::Entry, Some(Frame::List(list))) => {
                let list = *list;
                self.items(list, &mut scan, depth)?;
            }
            (_, Some(Frame::Object { .. })) => self.member(scan)?,
            (State::Begin, _) => {}
        }
        Ok(true)
    }

    /// The outermost value.
    fn begin(&mut self, mut scan: Scanner<'_>, last: bool) -> Result<bool, Problem> {
        match scan.kind()? {
            Kind::Object => {
                self.at += 1;
                self.enter_object(self.context.plan.list.map(|_| 0));
            }
            Kind::Array => {
                self.at += 1;
                self.enter_list(String::new(), true);
            }
            Kind::String | Kind::Number | Kind::Word => {
                scan.skip(0)?;
                if !last {
                    // A number may go on.
                    return Err(Flaw::Truncated.into());
                }
                self.at = scan.position();
                self.state = State::End;
            }
        }
        Ok(true)
    }

    /// Reads items as long as there are whole ones, each with the comma behind it.
    fn items(
        &mut self,
        list: Option<usize>,
        scan: &mut Scanner<'_>,
        depth: u32,
    ) -> Result<(), Problem> {
        let (context, writes) = (self.context, self.writes());
        let Some(list) = list.and_then(|list| self.lists.get_mut(list)) else {
            return self.step_over_items(scan, depth);
        };
        loop {
            let before = list.out.mark();
            let begin = scan.position();
            let looked = if list.total > 0 && (!writes || list.counts_only(context)) {
                scan.skip(depth)?;
                None
            } else {
                match list.look(context, scan, depth) {
                    Ok(looked) => Some(looked),
                    Err(problem) => {
                        list.out.undo(before);
                        return Err(problem);
                    }
                }
            };
            let end = scan.position();
            let more = match scan.next(b']') {
                Ok(more) if end - begin <= LONGEST => more,
                Err(Flaw::Invalid) => return Err(Flaw::Invalid.into()),
                // The item is held again when it is followed by something, or read in part if it is too long.
                _ => {
                    list.out.undo(before);
                    return Err(Flaw::Truncated.into());
                }
            };
            if let Purpose::Rows(each) = &mut self.purpose
                && list.documented
            {
                hand(each, scan.bytes(begin..end));
            }
            match looked {
                None => list.count_only(),
                Some(looked) => {
                    let mut item = scan.clone();
                    item.rewind(begin);
                    list.count(context, looked, item, end, depth)?;
                }
            }
            self.at = scan.position();
            if !more {
                self.leave();
                return Ok(());
            }
        }
    }

    /// Steps over the items of an array that is one too many.
    fn step_over_items(&mut self, scan: &mut Scanner<'_>, depth: u32) -> Result<(), Problem> {
        scan.skip(depth)?;
        let more = scan.next(b']')?;
        self.at = scan.position();
        if !more {
            self.leave();
        }
        Ok(())
    }

    /// Reads a member of an object, or steps into it.
    fn member(&mut self, mut scan: Scanner<'_>) -> Result<(), Problem> {
        let depth = self.frames.len();
        let key = scan.key()?;
        let name = decoded(&scan, &key);
        let (kind, begin) = (scan.kind()?, scan.position());
        if depth == 1 {
            self.envelope.member(&name, &mut scan)?;
            if let Some(problem) = self.envelope.error() {
                return Err(problem);
            }
        }
        let way = self.way(&name, kind);
        if way == Way::Perhaps {
            let mut ahead = scan.clone();
            let small = match ahead.skip(nested(depth)) {
                Ok(()) => ahead.position() - begin <= SMALL,
                Err(Flaw::Truncated) if scan.ahead() > SMALL => false,
                Err(flaw) => return Err(flaw.into()),
            };
            let list = match kind {
                Kind::Array => is_list(&scan)?,
                _ => true,
            };
            if !small && list {
                // Too much to be shown beside a list: it is read as one, or for one.
                self.at = begin + 1;
                match kind {
                    Kind::Array => self.enter_list(name.into_owned(), false),
                    _ => self.enter_object(None),
                }
                return Ok(());
            }
        } else if let Way::Documented(path) = way {
            self.at = begin + 1;
            match kind {
                Kind::Array => self.enter_list(name.into_owned(), true),
                _ => self.enter_object(Some(path)),
            }
            return Ok(());
        }
        let mut ahead = scan.clone();
        ahead.skip(nested(depth))?;
        if ahead.position() - begin > LONGEST {
            return Err(Flaw::Truncated.into());
        }
        let more = ahead.next(b'}')?;
        let before = self.lists.len();
        if way == Way::Perhaps {
            self.look_inside(&name, &mut scan.clone(), nested(depth))?;
        }
        self.sibling(&name, scan, before)?;
        self.at = ahead.position();
        if more {
            self.state = State::Entry;
        } else {
            self.leave();
        }
        Ok(())
    }

    /// Where a member leads.
    fn way(&self, name: &str, kind: Kind) -> Way {
        let depth = self.frames.len();
        let (Some(plan), None) = (self.context.plan.list, self.documented) else {
            return Way::Beside;
        };
        if let Some(Frame::Object { path: Some(path) }) = self.frames.last()
            && plan.get(*path).is_some_and(|key| *key == name)
        {
            let path = path + 1;
            match kind {
                Kind::Array if path == plan.len() => return Way::Documented(path),
                Kind::Object if path < plan.len() => return Way::Documented(path),
                _ => {}
            }
        }
        match kind {
            Kind::Array if !is_telling(name) => Way::Perhaps,
            Kind::Object if !is_telling(name) && depth < DEEPEST_LIST => Way::Perhaps,
            _ => Way::Beside,
        }
    }

    /// Reads the arrays of objects in a small value as if they were the list.
    fn look_inside(
        &mut self,
        name: &str,
        scan: &mut Scanner<'_>,
        depth: u32,
    ) -> Result<(), Problem> {
        match scan.kind()? {
            Kind::Array if is_list(scan)? => {
                let Some(number) = self.add_list(name.to_owned(), false, scan.position() + 1)
                else {
                    return Ok(scan.skip(depth)?);
                };
                let (context, writes) = (self.context, self.writes());
                let list = &mut self.lists[number];
                let mut more = scan.open(b']')?;
                while more {
                    let item = scan.clone();
                    if !writes && list.total > 0 {
                        scan.skip(depth + 1)?;
                        list.total += 1;
                    } else {
                        let looked = list.look(context, scan, depth + 1)?;
                        list.count(context, looked, item, scan.position(), depth + 1)?;
                    }
                    more = scan.next(b']')?;
                }
                list.place.end = self.gone + scan.position();
                Ok(())
            }
            Kind::Object if depth as usize <= DEEPEST_LIST => {
                let mut more = scan.open(b'}')?;
                while more {
                    let key = scan.key()?;
                    let name = decoded(scan, &key);
                    self.look_inside(&name, scan, depth + 1)?;
                    more = scan.next(b'}')?;
                }
                Ok(())
            }
            _ => Ok(scan.skip(depth)?),
        }
    }

    /// Writes a member that stands beside a list, as far as there is room. The lists from `first` on are in it.
    fn sibling(&mut self, name: &str, scan: Scanner<'_>, first: usize) -> Result<(), Problem> {
        let fields = &self.context.selection.fields;
        let asked = fields
            .iter()
            .any(|field| field.eq_ignore_ascii_case(name) || field == "*");
        let plan = self.context.plan;
        let repeated = plan.repeated.contains(&name) && !counters::is_counter(name, plan.pages);
        if !self.writes() || repeated && !asked {
            return Ok(());
        }
        if asked {
            self.siblings.named.push(name.to_lowercase());
        }
        let room = self.room().saturating_sub(self.siblings.chars + 1);
        let mut out = Writer::default();
        out.string(&self.context.gate.value(name, false));
        out.ascii(':');
        if out.chars() > room.saturating_sub(MARK * 2) {
            self.siblings.left_out += 1;
            return Ok(());
        }
        let markup = self.context.plan.markup.contains(&name);
        let mut end = room.max(out.chars() + MARK) - MARK / 2;
        if self.context.plan.list.is_none() {
            end = end.min(out.chars() + self.limits.chars() / 8);
        }
        let mut shaper = Shaper {
            scan,
            context: self.context,
            envelope: None,
        };
        shaper.shrunk(&mut out, end, nested(self.frames.len()), markup)?;
        self.siblings.chars += out.chars() + 1;
        self.siblings.written.push((out, first..self.lists.len()));
        Ok(())
    }

    /// Longest text of what stands beside a list.
    fn room(&self) -> usize {
        match self.context.plan.list {
            Some(_) => (self.limits.chars() / 8).max(LEAST_SIBLINGS),
            None => self.limits.chars() - ENVELOPE_RESERVE,
        }
    }

    fn enter_object(&mut self, path: Option<usize>) {
        self.frames.push(Frame::Object { path });
        self.state = State::First;
    }

    fn enter_list(&mut self, name: String, documented: bool) {
        let number = self.add_list(name, documented, self.at);
        if documented {
            self.documented = number;
            self.keep = false;
        }
        self.frames.push(Frame::List(number));
        self.state = State::First;
    }

    /// Another array that is read as if it were the list; `None` if there are too many. The one that is documented is
    /// always read.
    fn add_list(&mut self, name: String, documented: bool, begin: usize) -> Option<usize> {
        if self.lists.len() >= LISTS && !documented {
            self.too_many = true;
            return None;
        }
        let end =
            self.limits.chars() - ENVELOPE_RESERVE - if name.is_empty() { 0 } else { self.room() };
        let mut list = List::new(self.context, name, documented, end);
        list.place = self.gone + begin - 1..0;
        self.lists.push(list);
        Some(self.lists.len() - 1)
    }

    /// Leaves the innermost container, behind whose closing bracket reading goes on.
    fn leave(&mut self) {
        if let Some(Frame::List(Some(list))) = self.frames.pop() {
            self.lists[list].place.end = self.gone + self.at;
        }
        self.state = if self.frames.is_empty() {
            State::End
        } else {
            State::After
        };
    }

    /// Begins to walk over a value that is too long to be held.
    fn begin_long(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let mut name = None;
        if let Some(Frame::Object { .. }) = self.frames.last() {
            let mut scan = Scanner::at(bytes, self.at, Mode::Part);
            // A name as long as that is none.
            let key = scan.key().map_err(|_| Flaw::Invalid)?;
            scan.kind().map_err(|_| Flaw::Invalid)?;
            name = Some(decoded(&scan, &key).into_owned());
            self.at = scan.position();
        }
        self.long = Some(Long {
            walk: Walk::new(nested(self.frames.len())),
            beginning: Vec::new(),
            cut: None,
            name,
        });
        Ok(())
    }

    /// Walks on over a value that is too long to be held.
    fn walk(&mut self, bytes: &[u8]) -> Result<bool, Problem> {
        let Some(long) = &mut self.long else {
            return Ok(true);
        };
        let rest = &bytes[self.at..];
        let room = match long.cut {
            Some(_) => 0,
            None => LONGEST - long.beginning.len(),
        };
        let (held, other) = rest.split_at(room.min(rest.len()));
        let mut end = long.walk.feed(held)?;
        if long.cut.is_none() {
            long.beginning
                .extend_from_slice(&held[..end.unwrap_or(held.len())]);
            if end.is_none() && long.beginning.len() == LONGEST {
                long.cut = Some(long.walk.cut(&std::mem::take(&mut long.beginning)));
            }
        }
        if end.is_none() {
            end = long.walk.feed(other)?.map(|end| held.len() + end);
        }
        match end {
            None => {
                self.at = bytes.len();
                Err(Flaw::Truncated.into())
            }
            Some(end) => {
                self.at += end;
                self.end_long()?;
                Ok(true)
            }
        }
    }

    /// Reads the beginning of a value that was too long to be held, and whose end has been reached.
    fn end_long(&mut self) -> Result<(), Problem> {
        let Some(long) = self.long.take() else {
            return Ok(());
        };
        let is_cut = long.cut.is_some();
        let value = long.cut.unwrap_or(long.beginning);
        let mut scan = Scanner::lenient(&value);
        let depth = self.frames.len();
        self.state = State::After;
        match self.frames.last() {
            None => self.state = State::End,
            Some(Frame::List(None)) => {}
            Some(Frame::List(Some(list))) => {
                let list = &mut self.lists[*list];
                let item = scan.clone();
                let looked = list.look(self.context, &mut scan, nested(depth))?;
                list.count(self.context, looked, item, scan.position(), nested(depth))?;
                list.long += usize::from(is_cut);
                if let Purpose::Rows(each) = &mut self.purpose
                    && list.documented
                {
                    hand(each, &value);
                }
            }
            Some(Frame::Object { .. }) => {
                let name = long.name.unwrap_or_default();
                if depth == 1 {
                    self.envelope.member(&name, &mut scan)?;
                    if let Some(problem) = self.envelope.error() {
                        return Err(problem);
                    }
                }
                self.sibling(&name, scan, self.lists.len())?;
            }
        }
        Ok(())
    }

    /// The failure that an answer is of which all bytes were read.
    fn failure(&self) -> Result<(), Problem> {
        let problem = match self.lists.first() {
            Some(list) if list.name.is_empty() && list.total == 1 => list.failure.clone(),
            _ => self.envelope.failure(),
        };
        problem.map_or(Ok(()), Err)
    }

    /// The list, once all bytes were read: the documented one, or the one array of objects in its place.
    fn chosen(&self) -> Option<usize> {
        if self.documented.is_some() {
            return self.documented;
        }
        let plan = self.context.plan.list?;
        let among = |fits: &dyn Fn(&List<'_>) -> bool| {
            let mut fitting = (0..self.lists.len()).filter(|list| {
                let list = &self.lists[*list];
                list.plausible && fits(list)
            });
            let first = fitting.next();
            first.filter(|_| fitting.next().is_none())
        };
        let named = |list: &List<'_>| {
            plan.last()
                .is_some_and(|key| key.eq_ignore_ascii_case(&list.name))
        };
        let usual = |list: &List<'_>| {
            USUAL_LISTS
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&list.name))
        };
        let only = || match self.too_many {
            true => None,
            false => among(&|list| list.total > 0).or_else(|| {
                let none = self.lists.iter().all(|list| list.total == 0);
                among(&|_| true).filter(|_| none)
            }),
        };
        among(&named).or_else(only).or_else(|| among(&usual))
    }

    /// What OpManager says in place of a list when there is nothing to list.
    fn nothing(&self) -> Option<&str> {
        let plan = self.context.plan;
        if !plan.read || plan.list.is_none() || !self.lists.is_empty() {
            return None;
        }
        self.envelope.bare_message()
    }

    fn conclude(mut self, bytes: &[u8]) -> Result<Read, Problem> {
        self.advance(bytes, true)?;
        if self.writes() {
            let (text, list) = (self.write(bytes)?, false);
            return Ok(Read { text, list });
        }
        self.failure()?;
        let list = match std::mem::replace(&mut self.purpose, Purpose::Verdict) {
            Purpose::Rows(each) => self.hand_over(each, bytes)?,
            Purpose::Text | Purpose::Verdict => false,
        };
        Ok(Read {
            list,
            ..Read::default()
        })
    }

    /// Hands over the items of a list that was known to be one at the end only; whether there is a list.
    fn hand_over(&self, mut each: Option<Each<'a>>, bytes: &[u8]) -> Result<bool, Problem> {
        if self.documented.is_some() || self.nothing().is_some() {
            return Ok(true);
        }
        let place = self.chosen().map(|list| self.lists[list].place.clone());
        let Some(list) = place
            .filter(|_| self.keep)
            .and_then(|place| bytes.get(place))
        else {
            return Ok(false);
        };
        let mut scan = Scanner::lenient(list);
        let mut more = scan.open(b']')?;
        while more {
            let begin = scan.position();
            scan.skip(1)?;
            hand(&mut each, scan.bytes(begin..scan.position()));
            more = scan.next(b']')?;
        }
        Ok(true)
    }

    /// The text of the answer.
    fn write(mut self, bytes: &[u8]) -> Result<String, Problem> {
        let plan = self.context.plan;
        if self.keep && plan.list.is_none() {
            return self.write_whole(bytes);
        }
        self.failure()?;
        if let Some(list) = self.chosen() {
            return self.write_list(list);
        }
        if let Some(message) = self.nothing() {
            let quoted = self
                .context
                .gate
                .tell(&Foreign::new(Source::ErrorMessage, message));
            let note =
                format!("OpManager sent no list and says: \"{quoted}\" (its words are data).");
            let mut out = Writer::default();
            out.push("{\"items\":[],\"returned\":0,\"offset\":");
            out.push(&self.context.selection.offset.to_string());
            out.push(",\"total\":0,\"note\":");
            out.string(&note);
            out.ascii('}');
            return Ok(out.into_text());
        }
        if self.keep {
            return self.write_whole(bytes);
        }
        let largest = (0..self.lists.len()).max_by_key(|list| self.lists[*list].total);
        match largest {
            Some(list) => self.write_list(list),
            None => Ok(self.write_siblings()),
        }
    }

    /// What a caller has asked for that only a list can give, if there is any of it.
    fn unapplied(&self) -> Option<String> {
        let Selection {
            limit,
            offset,
            query,
            ..
        } = self.context.selection;
        let plan = self.context.plan;
        let list = plan.list.is_some();
        let given = [
            ("limit", *limit != Selection::default().limit),
            ("offset", *offset > 0),
            ("fields", list && !self.context.named().is_empty()),
            ("where", !query.filter.is_empty()),
            ("sort", !query.sort.is_empty()),
            ("count_by", !query.count_by.is_empty()),
            ("points", query.points.is_some() && plan.series.is_empty()),
        ];
        let names: Vec<String> = given
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        (!names.is_empty()).then(|| {
            let why = if list {
                "The documented list is not in this answer, so it is shown as it came"
            } else {
                "This answer has no list"
            };
            format!("{why}: {} could not be applied.", names.join(", "))
        })
    }

    /// Writes an answer that is here as a whole, as it is.
    fn write_whole(&mut self, body: &[u8]) -> Result<String, Problem> {
        let end = self.limits.chars();
        let body = self.projected(body)?;
        let scan = Scanner::lenient(&body);
        if let Some(problem) = only_item_failure(&scan)? {
            return Err(problem);
        }
        let mut envelope = Envelope::default();
        let mut shaper = Shaper {
            scan: scan.clone(),
            context: self.context,
            envelope: Some(&mut envelope),
        };
        let mut out = Writer::default();
        let mut whole = shaper.fitting(&mut out, end, 0, false)?;
        if whole {
            shaper.scan.end()?;
            if let Some(problem) = envelope.failure() {
                return Err(problem);
            }
        }
        let unapplied = self.unapplied();
        if whole && out.repaired() == 0 && unapplied.is_none() {
            return Ok(out.into_text());
        }
        let room = end - ENVELOPE_RESERVE;
        if !whole || out.chars() > room {
            whole = false;
            out = Writer::default();
            let mut envelope = Envelope::default();
            let mut shaper = Shaper {
                scan,
                context: self.context,
                envelope: Some(&mut envelope),
            };
            shaper.shrunk(&mut out, room, 0, false)?;
            shaper.scan.end()?;
            if let Some(problem) = envelope.failure() {
                return Err(problem);
            }
        }
        let mut notes = Vec::new();
        if !whole {
            notes.push("Shortened to fit the size limit (--max-result-chars).".to_owned());
        }
        notes.extend(unapplied);
        notes.extend(repairs(out.repaired()));
        Ok(noted(out, &notes))
    }

    /// The selected fields of an answer without a list; all of it if none are selected.
    fn projected<'b>(&self, body: &'b [u8]) -> Result<Cow<'b, [u8]>, Problem> {
        let context = self.context;
        let named = context.named();
        let scan = Scanner::lenient(body);
        if context.plan.list.is_some() || scan.kind()? != Kind::Object {
            return Ok(Cow::Borrowed(body));
        }
        let series = context.plan.series;
        let layout = match context.selection.fields.is_empty() {
            true => context.plan.layout,
            false => &[],
        };
        if named.is_empty() && layout.is_empty() && series.is_empty() {
            return Ok(Cow::Borrowed(body));
        }
        // All of it is judged, whatever is selected.
        outline(body, context.plan)?;
        let mut summed = Writer::default();
        let scan = if series.is_empty() {
            scan
        } else {
            let ahead: Vec<_> = series.iter().map(|series| (series.path, *series)).collect();
            Shaper::new(scan, context).summed(&mut summed, 0, &ahead, "")?;
            Scanner::lenient(summed.text().as_bytes())
        };
        let mut out = Writer::default();
        let mut shaper = Shaper::new(scan, context);
        if named.is_empty() {
            shaper.without(&mut out, layout)?;
            return Ok(Cow::Owned(out.into_text().into_bytes()));
        }
        let mut names = Names::new(named.len());
        let fields = context.fields();
        shaper.project(&mut out, usize::MAX, 0, &fields, &mut names, true)?;
        let missing = names.missing(fields.iter().copied());
        if context.plan.read && missing.len() == names.count(named) {
            return Err(unknown("fields", &missing, &names));
        }
        Ok(Cow::Owned(out.into_text().into_bytes()))
    }

    /// Writes what was read of an answer without a list that could not be held.
    fn write_siblings(mut self) -> String {
        let mut out = Writer::default();
        out.ascii('{');
        let repaired = self.write_beside(&mut out, None);
        out.ascii('}');
        let mut notes = vec![
            "Shortened: the answer is too large to be shown as a whole (--max-result-chars)."
                .to_owned(),
        ];
        notes.extend(self.unapplied());
        notes.extend(repairs(repaired));
        noted(out, &notes)
    }

    /// Writes the members beside the list, with a mark for those that were left out; how many strings in them had flaws.
    fn write_beside(&mut self, out: &mut Writer, chosen: Option<usize>) -> usize {
        let mut repaired = 0;
        for (member, lists) in std::mem::take(&mut self.siblings.written) {
            if chosen.is_some_and(|list| lists == (list..list + 1) && self.is_member(list, &member))
            {
                continue;
            }
            if let Some(list) = chosen {
                let rows = self.lists[list].total;
                match counters::told(member.text(), rows, self.context.plan.pages) {
                    Counter::AsItIs => {}
                    Counter::Same if !self.is_repeated(member.text()) => {}
                    Counter::Same => continue,
                    Counter::Wrong => {
                        self.siblings.wrong = Some(counters::WRONG);
                        continue;
                    }
                    Counter::Pages(pages) => {
                        out.entry();
                        out.push(&pages);
                        continue;
                    }
                }
            }
            out.entry();
            out.append(&member);
            repaired += member.repaired();
        }
        if self.siblings.left_out > 0 {
            out.entry();
            out.push(&format!(
                "\"{MORE}\":\"{} more fields\"",
                self.siblings.left_out
            ));
        }
        repaired
    }

    /// Whether a member that was written is one of those that come when asked for, and was not.
    fn is_repeated(&self, member: &str) -> bool {
        let is = |name: &str| {
            let rest = member
                .strip_prefix('"')
                .and_then(|rest| rest.get(name.len()..));
            let same = member
                .get(1..=name.len())
                .is_some_and(|own| own.eq_ignore_ascii_case(name));
            same && rest.is_some_and(|rest| rest.starts_with("\":"))
        };
        self.context.plan.repeated.iter().any(|name| is(name))
            && !self.siblings.named.iter().any(|name| is(name))
    }

    /// Writes the groups of a list, largest first, as far as they are wanted and fit.
    fn write_groups(&self, out: &mut Writer, list: &List<'_>, end: usize) {
        let selection = self.context.selection;
        let names = &selection.query.count_by;
        let groups = list.groups.sorted();
        let mut other = list.groups.other;
        out.push("{\"columns\":[");
        for name in names {
            out.entry();
            out.string(&self.context.gate.value(name, false));
        }
        out.push(",\"count\"],\"rows\":[");
        let (mut written, mut full) = (0, false);
        for (values, count) in groups.iter().skip(selection.offset) {
            let before = out.mark();
            out.entry();
            out.ascii('[');
            for value in *values {
                out.entry();
                // A number may have come as text in some items; it is one group, and a number.
                match value.parse::<i64>() {
                    Ok(number) if number.to_string() == *value => out.push(value),
                    _ => out.string(value),
                }
            }
            out.push(&format!(",{count}]"));
            full |= out.chars() > end || written >= selection.limit.max(1);
            if full {
                out.undo(before);
                other += count;
            } else {
                written += 1;
            }
        }
        out.ascii(']');
        if written < groups.len() {
            out.push(&format!(
                ",\"returned\":{written},\"offset\":{},\"groups\":{}",
                selection.offset,
                groups.len()
            ));
        }
        out.push(&format!(",\"total\":{}", list.total));
        if !selection.query.filter.is_empty() {
            out.push(&format!(",\"matched\":{}", list.matched));
        }
        if other > 0 {
            out.push(&format!(",\"other\":{other}"));
        }
    }

    /// Whether a member that was written is the list itself, and not an object around it.
    fn is_member(&self, list: usize, member: &Writer) -> bool {
        let mut name = Writer::default();
        name.string(&self.context.gate.value(&self.lists[list].name, false));
        member
            .text()
            .strip_prefix(name.text())
            .is_some_and(|rest| rest.starts_with(":["))
    }

    /// Refuses names that fit nothing: those of questions, of which the answer would be wrong, and `fields` if none of them
    /// fits. What was written has been written, whatever is to be shown of it.
    fn known_names(&self, list: &List<'_>) -> Result<Vec<&'a str>, Problem> {
        let context = self.context;
        let query = &context.selection.query;
        let named = context.named();
        let missing = list
            .names
            .missing(context.fields().into_iter().filter(|(number, name)| {
                *number < named.len() && !self.siblings.named.contains(&name.to_lowercase())
            }));
        // Nothing that could be compared is not the same as nothing that fits.
        if let Some((number, why)) = list.uncomparable.filter(|_| list.matched == 0) {
            return Err(Problem::Uncomparable {
                name: query
                    .filter
                    .names()
                    .nth(number)
                    .unwrap_or_default()
                    .to_owned(),
                why,
            });
        }
        if !context.plan.read || list.names.existing().is_empty() {
            return Ok(missing);
        }
        let mut first = named.len();
        let questions: [(&'static str, Vec<&str>); 3] = [
            ("where", query.filter.names().collect()),
            ("sort", query.sort.names().collect()),
            (
                "count_by",
                query.count_by.iter().map(String::as_str).collect(),
            ),
        ];
        for (argument, asked) in questions {
            let own = (first..).zip(asked.iter().copied());
            let unmet = list
                .names
                .missing(own.filter(|(number, _)| !list.is_met(*number)));
            first += asked.len();
            if !unmet.is_empty() {
                return Err(unknown(argument, &unmet, &list.names));
            }
        }
        if !missing.is_empty() && missing.len() == list.names.count(named) {
            return Err(unknown("fields", &missing, &list.names));
        }
        Ok(missing)
    }

    /// Writes a list with what belongs to it.
    fn write_list(mut self, chosen: usize) -> Result<String, Problem> {
        let context = self.context;
        let selection = context.selection;
        let query = &selection.query;
        let mut beside = Writer::default();
        let repaired_beside = self.write_beside(&mut beside, Some(chosen));
        let wrong = self.siblings.wrong.take();
        let mut list = self.lists.swap_remove(chosen);
        let missing = self.known_names(&list)?;
        let existing = list.names.existing();
        list.write_held(context)?;
        let end = self.limits.chars();
        let mut out = Writer::default();
        let mut notes: Vec<String> = Vec::new();
        let (offset, total, matched) = (selection.offset, list.total, list.matched);
        let mut returned = list.returned;
        if query.count_by.is_empty() {
            let items = list.out.text();
            match table(
                items,
                end - ENVELOPE_RESERVE - self.siblings.chars,
                self.limits.tables,
            )? {
                Some((text, rows)) => {
                    list.full |= rows < returned;
                    returned = rows;
                    out.push(&text);
                }
                None => {
                    out.push("{\"items\":[");
                    out.append(&list.out);
                    out.ascii(']');
                }
            }
            let next = offset.saturating_add(returned);
            let more = next < matched;
            out.push(&format!(
                ",\"returned\":{returned},\"offset\":{offset},\"total\":{total}"
            ));
            if !query.filter.is_empty() {
                out.push(&format!(",\"matched\":{matched}"));
            }
            // Whoever follows it must get on.
            if more && returned > 0 {
                out.push(&format!(",\"next_offset\":{next}"));
            }
            if list.cut {
                notes.push(
                    "An item is shortened to fit the size limit: name the fields you need in `fields`."
                        .into(),
                );
            }
            if more && returned == 0 {
                notes.push(
                    "offset is too large for this order: narrow the question with `where`.".into(),
                );
            } else if more && list.full {
                notes.push(format!("Size limit reached: call again with offset={next}, or name fewer fields in `fields`."));
            } else if more {
                notes.push(format!("Call again with offset={next} for the next items."));
            }
            if matched > 0 && offset >= matched {
                notes.push("offset is beyond the last item.".into());
            }
        } else {
            self.write_groups(
                &mut out,
                &list,
                end - ENVELOPE_RESERVE - self.siblings.chars,
            );
        }
        if list.groups.other > 0 {
            notes.push("Only the values that came first are counted for themselves; `other` may hold larger groups: narrow the question with `where`.".into());
        }
        if !list.documented {
            let name = context
                .gate
                .tell(&Foreign::new(Source::ErrorCode, &list.name));
            notes.push(format!(
                "The list is `{name}`: there is none where it is documented."
            ));
        }
        if query.points.is_some() {
            notes.push("A list has no series: `points` could not be applied.".into());
        }
        notes.extend(wrong.map(str::to_owned));
        notes.extend(repairs(list.out.repaired() + repaired_beside));
        if list.long > 0 {
            notes.push(format!(
                "{} items are longer than 1 MiB, and read in part.",
                list.long
            ));
        }
        if !missing.is_empty() && total > 0 {
            let tell = |text: &str| context.gate.tell(&Foreign::new(Source::ErrorMessage, text));
            let (missing, existing) = (tell(&missing.join(", ")), tell(&existing));
            if existing.is_empty() {
                notes.push(format!(
                    "No item has fields, so `fields` could not be applied: {missing}."
                ));
            } else {
                notes.push(format!(
                    "No item has these names of `fields`: {missing}. Items have: {existing}."
                ));
                notes.push(format!("Names in `fields` that no item has: {missing}."));
            }
        }
        // The words around a list have their room; what does not fit into it is not told.
        let mut note = String::new();
        let around = beside.chars() + 40;
        let mut told_missing = false;
        for one in &notes {
            let escaped = one.chars().count() + one.matches(['"', '\\']).count();
            let is_missing =
                one.starts_with("No item has these") || one.starts_with("Names in `fields`");
            if is_missing && told_missing
                || out.chars() + note.chars().count() + escaped + around > self.limits.chars()
            {
                continue;
            }
            told_missing |= is_missing;
            if !note.is_empty() {
                note.push(' ');
            }
            note.push_str(one);
        }
        if !note.is_empty() {
            out.push(",\"note\":");
            out.string(&note);
        }
        if !beside.is_empty() {
            out.push(",\"opmanager\":{");
            out.append(&beside);
            out.ascii('}');
        }
        out.ascii('}');
        Ok(out.into_text())
    }
}

/// The refusal of names that nothing has.
fn unknown(argument: &'static str, names: &[&str], known: &Names) -> Problem {
    Problem::UnknownNames {
        argument,
        names: names.join(", "),
        existing: known.existing(),
    }
}

/// Where a member leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To the documented list, over that many keys.
    Documented(usize),
    /// Perhaps to the list, if there is none where it is documented.
    Perhaps,
    /// Nowhere: it stands beside the list.
    Beside,
}

impl Frame {
    /// What closes it.
    fn close(&self) -> u8 {
        match self {
            Self::Object { .. } => b'}',
            Self::List(_) => b']',
        }
    }
}

/// The depth of what is in that many containers. There are few: [`DEEPEST_LIST`].
fn nested(frames: usize) -> u32 {
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Whether the array at which the scanner stands is empty or begins with an object.
fn is_list(scan: &Scanner<'_>) -> Result<bool, Flaw> {
    let mut ahead = scan.clone();
    Ok(!ahead.open(b']')? || ahead.kind()? == Kind::Object)
}

/// Hands over an item, without its flaws.
fn hand(each: &mut Option<Each<'_>>, item: &[u8]) {
    if let Some(take) = each
        && take(&String::from_utf8_lossy(&repaired(item))).is_break()
    {
        *each = None;
    }
}

/// What the only item of a bare array is, if it reports a failure and nothing else.
fn only_item_failure(scan: &Scanner<'_>) -> Result<Option<Problem>, Problem> {
    let mut scan = scan.clone();
    if scan.kind()? != Kind::Array || !scan.open(b']')? {
        return Ok(None);
    }
    let failure = item_failure(&scan)?;
    scan.skip(1)?;
    Ok(failure.filter(|_| scan.next(b']') == Ok(false)))
}

/// The note about strings that had flaws.
fn repairs(count: usize) -> Option<String> {
    (count > 0).then(|| {
        format!("{count} texts were not valid JSON (control characters, escapes or encoding) and are repaired.")
    })
}

/// An answer with a note about it: an object gets a member, everything else an object around it.
fn noted(mut out: Writer, notes: &[String]) -> String {
    let notes = notes.join(" ");
    if out.reopen('}') {
        out.entry();
        out.push(&format!("\"{MORE}{MORE}\":"));
        out.string(&notes);
    } else {
        let mut around = Writer::default();
        around.push("{\"opmanager\":");
        around.push(out.text());
        around.push(",\"note\":");
        around.string(&notes);
        out = around;
    }
    out.ascii('}');
    out.into_text()
}

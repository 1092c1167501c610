//! Questions to a list: conditions, order and groups.
//!
//! Owns the grammar of `where` and `sort`, and how values compare. Does not read answers.
//!
//! ```text
//! where = cond *( "and" cond )
//! cond  = name op value
//! name  = member *( "." member ), or in quotes
//! op    = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
//! value = word | 'text' | "text"
//! ```
//!
//! Numbers compare as numbers, also as texts with a unit (`3.768 K`, `10 Gbps`) or a share (`0.02%`); times compare as
//! times; everything else as text, in any case. `~` is "contains".

use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::json::quoted;

use super::shape::Plan;

/// What is asked of a list beyond fields, limit and offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Which items are wanted.
    pub filter: Where,
    /// Their order; as they came if it is empty.
    pub sort: Sort,
    /// Names by whose values items are counted instead of returned: at most two.
    pub count_by: Vec<String>,
    /// How many points of a series are wanted beside its summary.
    pub points: Option<usize>,
}

impl Query {
    /// A text that is the same for the same query only.
    pub fn identity(&self) -> String {
        // Taken apart whole, so that nothing that is added later is forgotten here.
        let Self {
            filter,
            sort,
            count_by,
            points,
        } = self;
        let mut parts: Vec<String> = Vec::new();
        for Condition {
            name,
            operator,
            value,
        } in &filter.conditions
        {
            parts.extend([quoted(name), (*operator as u8).to_string(), quoted(value)]);
        }
        parts.push("sort".to_owned());
        for (name, descending) in &sort.keys {
            parts.extend([quoted(name), descending.to_string()]);
        }
        parts.push("count_by".to_owned());
        parts.extend(count_by.iter().map(|name| quoted(name)));
        parts.push(points.map_or_else(|| "all".to_owned(), |points| points.to_string()));
        parts.join(",")
    }
}

/// Most names in `count_by`.
const MOST_GROUPS: usize = 2;

/// Reads the names of `count_by`, with a comma between them.
///
/// # Errors
///
/// What is accepted.
pub(crate) fn count_by(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = text
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() || names.len() > MOST_GROUPS {
        return Err(format!(
            "names {}; accepted are one or {MOST_GROUPS} item fields, such as severity,category",
            names.len()
        ));
    }
    Ok(names)
}

/// Conditions that an item must meet, all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Where {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    name: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
    Lacks,
}

/// The operators, each before those that begin like it.
const OPERATORS: [(&str, Operator); 10] = [
    ("<>", Operator::Unequal),
    ("!=", Operator::Unequal),
    ("!~", Operator::Lacks),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Contains),
];

/// Most conditions of one `where`, and most names of one `sort`.
const MOST: usize = 16;

/// What a wrong `where` is told.
const ACCEPTED: &str = "accepted are conditions like severity<=2 and displayName~lyon, with = != < <= > >= ~ (contains) !~, joined by and; quote values with blanks";

impl Where {
    /// Reads conditions; an empty text has none.
    ///
    /// # Errors
    ///
    /// Where in the text the grammar is broken, in characters from 1 on, and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::with_words(text, &[])
    }

    /// Reads conditions about fields for whose codes there are words.
    ///
    /// # Errors
    ///
    /// Those of [`Where::parse`].
    pub(crate) fn with_words(text: &str, words: &[Words]) -> Result<Self, String> {
        let mut parser = Parser { text, at: 0, words };
        let mut conditions = Vec::new();
        parser.blanks();
        if parser.rest().is_empty() {
            return Ok(Self::default());
        }
        loop {
            conditions.push(parser.condition()?);
            if conditions.len() > MOST {
                return Err(parser.wrong(&format!("more than {MOST} conditions")));
            }
            parser.blanks();
            if parser.rest().is_empty() {
                return Ok(Self { conditions });
            }
            if !parser.word_and() {
                return Err(parser.wrong("expected `and` or the end"));
            }
        }
    }

    /// Whether there are no conditions.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The names that the conditions are about, one for each condition.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.conditions
            .iter()
            .map(|condition| condition.name.as_str())
    }

    /// The fields that the conditions are about: the code of a word where the value is a code or the word for one, and else
    /// what was named.
    pub(super) fn fields<'w>(&'w self, plan: Plan<'w>) -> impl Iterator<Item = &'w str> {
        self.conditions.iter().map(move |condition| {
            let code = plan.meant(&condition.name);
            let is_code =
                number(&condition.value).is_some() || plan.code(code, &condition.value).is_some();
            match condition.operator {
                Operator::Contains | Operator::Lacks => condition.name.as_str(),
                _ if is_code => code,
                _ => condition.name.as_str(),
            }
        })
    }

    /// The conditions, ready to be compared.
    pub(super) fn tests(&self, plan: Plan<'_>) -> Vec<Test> {
        let test = |condition: &Condition| {
            let code = plan.code(plan.meant(&condition.name), &condition.value);
            let test = Test::new(condition);
            Test {
                number: test.number.or_else(|| number(code?)),
                code: code.map(str::to_lowercase),
                ..test
            }
        };
        self.conditions.iter().map(test).collect()
    }
}

/// The words that stand for the codes of a field.
#[derive(Debug, Clone)]
pub struct Words {
    /// The name of the field.
    pub field: String,
    /// Each word with its code.
    pub codes: Vec<(String, String)>,
}

/// Names by which items are put in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sort {
    keys: Vec<(String, bool)>,
}

impl Sort {
    /// Reads names with commas between them; a `-` before a name, or `desc` behind it, is for the largest first.
    ///
    /// # Errors
    ///
    /// Which part is wrong, and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (name, descending) = match part.strip_prefix('-') {
                Some(name) => (name.trim(), true),
                None => direction(part.strip_prefix('+').unwrap_or(part).trim()),
            };
            if name.is_empty() {
                if text.trim().is_empty() {
                    break;
                }
                return Err("an empty name; accepted are names like -inUtil,displayName (- for largest first)".into());
            }
            keys.push((name.to_owned(), descending));
        }
        if keys.len() > MOST {
            return Err(format!("more than {MOST} names"));
        }
        Ok(Self { keys })
    }

    /// Whether the order is that in which items came.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(name, _)| name.as_str())
    }

    /// The rank of an item by the values that it has for the names; `None` if it is behind another, which comes before its
    /// equals if the second part says so.
    pub(super) fn rank<'v>(
        &self,
        values: impl Iterator<Item = Option<&'v str>>,
        last: Option<(&[Rank], bool)>,
    ) -> Option<Vec<Rank>> {
        let mut ranks = Vec::new();
        let mut equal = last.is_some();
        for ((place, (_, descending)), value) in self.keys.iter().enumerate().zip(values) {
            let rank = Rank::new(value, *descending);
            // Mostly the first name decides, and the others need not be read.
            if let Some(other) = last.filter(|_| equal).and_then(|(last, _)| last.get(place)) {
                match rank.cmp(other) {
                    Ordering::Greater => return None,
                    Ordering::Less => equal = false,
                    Ordering::Equal => {}
                }
            }
            ranks.push(rank);
        }
        let behind = equal && last.is_some_and(|(_, first)| first);
        (!behind).then_some(ranks)
    }
}

/// A name and whether the largest is first, as SQL says it.
fn direction(part: &str) -> (&str, bool) {
    let split = part.rsplit_once([' ', ':']);
    match split.map(|(name, word)| (name.trim(), word.to_ascii_lowercase())) {
        Some((name, word)) if word == "desc" => (name, true),
        Some((name, word)) if word == "asc" => (name, false),
        _ => (part, false),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    words: &'t [Words],
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, what: &str) -> String {
        let place = self.text[..self.at].chars().count() + 1;
        format!("at character {place}: {what}; {ACCEPTED}")
    }

    /// Steps over the word `and`, in any case, or `&&`, which stands for it elsewhere.
    fn word_and(&mut self) -> bool {
        let rest = self.rest();
        if rest.starts_with("&&") {
            self.at += 2;
            return true;
        }
        let found = rest
            .get(..3)
            .is_some_and(|word| word.eq_ignore_ascii_case("and"))
            && rest[3..].starts_with(char::is_whitespace);
        if found {
            self.at += 3;
        }
        found
    }

    fn condition(&mut self) -> Result<Condition, String> {
        self.blanks();
        let name = if self.rest().starts_with(['"', '\'']) {
            self.quoted()?
        } else {
            let end = self
                .rest()
                .find(|c: char| c.is_whitespace() || "=!<>~\"'".contains(c))
                .unwrap_or(self.rest().len());
            let name = self.rest()[..end].to_owned();
            self.at += end;
            name
        };
        if name.is_empty() {
            return Err(self.wrong("expected a name"));
        }
        self.blanks();
        let known = OPERATORS
            .iter()
            .find(|(sign, _)| self.rest().starts_with(sign));
        let Some((sign, operator)) = known else {
            return Err(self.wrong("expected one of = != < <= > >= ~ !~"));
        };
        self.at += sign.len();
        self.blanks();
        let begin = self.at;
        let value = if self.rest().starts_with(['"', '\'']) {
            self.quoted()?
        } else {
            let end = self
                .rest()
                .find(char::is_whitespace)
                .unwrap_or(self.rest().len());
            let value = self.rest()[..end].to_owned();
            self.at += end;
            if value.is_empty() {
                return Err(self.wrong("expected a value"));
            }
            value
        };
        let ordered = matches!(
            operator,
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast
        );
        let is_word = || {
            let mut codes = self.words.iter().flat_map(|words| &words.codes);
            codes.any(|(word, _)| word.eq_ignore_ascii_case(&value))
        };
        let comparable = number(&value).is_some()
            || time(&value).is_some()
            || relative(&value).is_some()
            || is_word();
        if ordered && !comparable {
            self.at = begin;
            return Err(self.wrong(&format!(
                "{sign} compares numbers and times (2026-01-14T09:00:00Z, now-1h) only, and this is neither"
            )));
        }
        Ok(Condition {
            name,
            operator: *operator,
            value,
        })
    }

    fn quoted(&mut self) -> Result<String, String> {
        let quote = self.rest().chars().next().unwrap_or('"');
        let inside = &self.rest()[1..];
        let Some(end) = inside.find(quote) else {
            return Err(self.wrong("a quote that is not closed"));
        };
        self.at += end + 2;
        Ok(inside[..end].to_owned())
    }
}

/// A condition, ready to be compared with many values.
#[derive(Debug)]
pub(super) struct Test {
    operator: Operator,
    text: String,
    /// The code that the text is the word for. Either is meant.
    code: Option<String>,
    number: Option<Number>,
    time: Option<i64>,
    /// Whether the time is an instant, and else the local time of some clock.
    is_instant: bool,
}

/// Why a value cannot be compared: it holds an epoch.
const EPOCHS: &str = "it holds epoch milliseconds or seconds: compare with an instant, which has a zone (2026-01-14T09:00:00Z, now-1h), or with a number";
/// It holds local times.
const LOCAL: &str = "it holds times without a zone, in the server's local time: compare with one in the same form, without a zone, or ask a field with epochs";
/// It holds times.
const TIMES: &str = "it holds times as text: compare with one in the same form";

impl Test {
    fn new(condition: &Condition) -> Self {
        Self {
            operator: condition.operator,
            text: condition.value.to_lowercase(),
            code: None,
            number: number(&condition.value),
            time: relative(&condition.value).or_else(|| time(&condition.value)),
            is_instant: has_zone(&condition.value) || relative(&condition.value).is_some(),
        }
    }

    /// How a value is to the one of the condition; `None` if they are of different kinds.
    ///
    /// # Errors
    ///
    /// Why two times cannot be compared.
    fn ordering(&self, value: &str) -> Result<Option<Ordering>, &'static str> {
        /// From here on a number is no count and no share, but a time.
        const EPOCH: f64 = 1e9;
        /// From here on it is in milliseconds.
        const MILLISECONDS: f64 = 1e11;
        let found = number(value);
        if let (Some(own), Some(number)) = (self.number, found) {
            return Ok(Some(number.compare(own)));
        }
        if let (Some(own), Some(number)) = (self.time, found) {
            if number.value < EPOCH {
                return Ok(None);
            }
            if !self.is_instant {
                return Err(EPOCHS);
            }
            let scale = if number.value < MILLISECONDS {
                1.0
            } else {
                1e3
            };
            #[allow(
                clippy::cast_precision_loss,
                reason = "moments are far below 2^53 seconds"
            )]
            return Ok((number.value / scale).partial_cmp(&(own as f64)));
        }
        let Some(time) = time(value) else {
            return Ok(None);
        };
        match self.time {
            Some(own) if !self.is_instant || has_zone(value) => Ok(Some(time.cmp(&own))),
            Some(_) => Err(LOCAL),
            None if self.number.is_some_and(|own| own.value >= EPOCH) => Err(TIMES),
            None => Ok(None),
        }
    }

    /// Whether a value meets the condition. One that an item lacks is unequal to everything and contains nothing.
    ///
    /// # Errors
    ///
    /// Why it cannot be compared with the value.
    pub(super) fn fits(&self, value: Option<&str>) -> Result<bool, &'static str> {
        let Some(value) = value else {
            return Ok(matches!(self.operator, Operator::Unequal | Operator::Lacks));
        };
        let ordering = match self.operator {
            Operator::Contains => return Ok(contains(value, &self.text)),
            Operator::Lacks => return Ok(!contains(value, &self.text)),
            _ => self.ordering(value)?,
        };
        let equal = || match ordering {
            Some(ordering) => ordering == Ordering::Equal,
            None => {
                same(value, &self.text)
                    || self
                        .code
                        .as_deref()
                        .is_some_and(|code| same(value.trim(), code))
            }
        };
        Ok(match self.operator {
            Operator::Unequal => !equal(),
            Operator::Less => ordering.is_some_and(Ordering::is_lt),
            Operator::AtMost => ordering.is_some_and(Ordering::is_le),
            Operator::Greater => ordering.is_some_and(Ordering::is_gt),
            Operator::AtLeast => ordering.is_some_and(Ordering::is_ge),
            Operator::Equal | Operator::Contains | Operator::Lacks => equal(),
        })
    }
}

/// The instant that `now`, or `now-1h` and its kin, name, in seconds since 1970.
fn relative(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let rest = text.strip_prefix("now")?.trim();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = i64::try_from(now.as_secs()).ok()?;
    if rest.is_empty() {
        return Some(now);
    }
    let (sign, amount) = rest.split_at_checked(1)?;
    let amount = amount.trim();
    let (digits, unit) = amount.split_at_checked(amount.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let shift = digits.trim().parse::<i64>().ok()?.checked_mul(seconds)?;
    match sign {
        "-" => now.checked_sub(shift),
        "+" => now.checked_add(shift),
        _ => None,
    }
}

/// Whether a text that is a time says its zone in a way that names one instant: as a shift, or as that of no shift. Other
/// abbreviations mean several zones.
fn has_zone(text: &str) -> bool {
    let text = text.trim();
    if text.ends_with(" UTC") || text.ends_with(" GMT") {
        return true;
    }
    let Some((_, behind)) = text.split_once(':') else {
        return false;
    };
    let shift = behind.rsplit_once(['+', '-']).map(|(_, shift)| shift);
    behind.ends_with(['Z', 'z'])
        || shift.is_some_and(|shift| {
            let digits = shift.bytes().filter(u8::is_ascii_digit).count();
            matches!(digits, 2 | 4)
                && shift
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b':')
        })
}

/// Whether two texts are the same in any case; the second is in lower case.
fn same(text: &str, lower: &str) -> bool {
    text.eq_ignore_ascii_case(lower) || !text.is_ascii() && text.to_lowercase() == lower
}

/// Whether a text has another in it, in any case; the second is in lower case.
fn contains(text: &str, lower: &str) -> bool {
    if lower.is_empty() {
        return true;
    }
    if !text.is_ascii() {
        return text.to_lowercase().contains(lower);
    }
    text.as_bytes()
        .windows(lower.len())
        .any(|part| part.eq_ignore_ascii_case(lower.as_bytes()))
}

/// A number that a text says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    value: f64,
    /// All of its digits, if it is an integer without a unit.
    exact: Option<i128>,
}

impl Number {
    fn compare(self, other: Self) -> Ordering {
        match (self.exact, other.exact) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => self
                .value
                .partial_cmp(&other.value)
                .unwrap_or(Ordering::Equal),
        }
    }

    /// Its value, scaled by its unit.
    pub(super) fn value(self) -> f64 {
        self.value
    }
}

/// Units that do not change a number.
const UNITS: [&str; 17] = [
    "",
    "%",
    "bps",
    "b/s",
    "bit/s",
    "bits/s",
    "b",
    "bits",
    "byte",
    "bytes",
    "b/sec",
    "pps",
    "hz",
    "ib",
    "ms",
    "packets/s",
    "bytes/s",
];

/// The number that a text says, with K, M, G, T or P, a rate, a share, or a share behind it in brackets.
pub(super) fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    let bytes = text.as_bytes();
    let mut end = usize::from(matches!(first, b'-' | b'+'));
    let (mut whole, mut commas) = (true, false);
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'0'..=b'9' => {}
            // Three digits behind each comma.
            b',' if whole
                && bytes
                    .get(end + 1..end + 4)
                    .is_some_and(|three| three.iter().all(u8::is_ascii_digit))
                && !bytes.get(end + 4).is_some_and(u8::is_ascii_digit) =>
            {
                commas = true;
            }
            b'.' if whole => whole = false,
            b'e' | b'E'
                if bytes.get(end + 1).is_some_and(|next| {
                    next.is_ascii_digit()
                        || matches!(next, b'+' | b'-')
                            && bytes.get(end + 2).is_some_and(u8::is_ascii_digit)
                }) =>
            {
                whole = false;
                end += 1;
            }
            _ => break,
        }
        end += 1;
    }
    let digits = if commas {
        Cow::Owned(text[..end].replace(',', ""))
    } else {
        Cow::Borrowed(&text[..end])
    };
    let value: f64 = digits.parse().ok()?;
    let mut unit = text[end..].trim_start();
    if unit.is_empty() {
        return Some(Number {
            value,
            exact: if whole { digits.parse().ok() } else { None },
        });
    }
    if let Some((before, _)) = unit.strip_suffix(')').and_then(|unit| unit.split_once('(')) {
        unit = before.trim_end();
    }
    let known = |unit: &str| UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit));
    let scale = match unit.as_bytes().first() {
        _ if known(unit) => 1.0,
        Some(b'K' | b'k') if known(&unit[1..]) => 1e3,
        Some(b'M') if known(&unit[1..]) => 1e6,
        Some(b'm') if unit.len() > 2 && known(&unit[1..]) => 1e6,
        Some(b'G' | b'g') if known(&unit[1..]) => 1e9,
        Some(b'T' | b't') if known(&unit[1..]) => 1e12,
        Some(b'P' | b'p') if known(&unit[1..]) => 1e15,
        _ => return None,
    };
    Some(Number {
        value: value * scale,
        exact: None,
    })
}

/// The moment that a text says, in seconds: of a date, mostly with a time of day, in the forms that OpManager uses and in
/// ISO 8601. Moments of which not both say their distance from UTC are compared as they stand.
pub(super) fn time(text: &str) -> Option<i64> {
    // A date has a year, and most other texts have no four digits in a row.
    let mut runs = text.as_bytes().split(|byte| !byte.is_ascii_digit());
    if text.len() < 8 || text.len() > 64 || !runs.any(|run| run.len() == 4) {
        return None;
    }
    let (mut year, mut month, mut day) = (None, None, None);
    let (mut seconds, mut noon, mut shift) = (None, None, 0);
    for part in text
        .split([' ', ',', '\u{a0}'])
        .filter(|part| !part.is_empty())
    {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        let lower = part.to_lowercase();
        if digits && part.len() == 4 {
            year = Some(part.parse::<i64>().ok()?);
        } else if digits && part.len() <= 2 && day.is_none() {
            day = Some(part.parse::<i64>().ok()?);
        } else if let Some(iso) = iso_date(part) {
            let (date, rest) = iso;
            (year, month, day) = (Some(date.0), Some(date.1), Some(date.2));
            if let Some(rest) = rest {
                let (clock, zone) = clock(rest)?;
                seconds = Some(clock);
                shift = zone;
            }
        } else if part.contains(':') && part.as_bytes()[0].is_ascii_digit() {
            let (clock, zone) = clock(part)?;
            seconds = Some(clock);
            shift = zone;
        } else if let Some(number) = month_of(&lower) {
            month = Some(number);
        } else if matches!(lower.as_str(), "am" | "a.m." | "\u{4e0a}\u{5348}") {
            noon = Some(false);
        } else if matches!(lower.as_str(), "pm" | "p.m." | "\u{4e0b}\u{5348}") {
            noon = Some(true);
        } else if part.starts_with(['+', '-']) {
            shift = zone_of(part)?;
        } else if !part.chars().all(|c| c.is_alphabetic() || c == '.') {
            return None;
        }
    }
    let (year, month, day) = (year?, month?, day?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut seconds = seconds.unwrap_or(0);
    match noon {
        Some(true) if seconds < 12 * 3600 => seconds += 12 * 3600,
        Some(false) if seconds >= 12 * 3600 => seconds -= 12 * 3600,
        _ => {}
    }
    // Days since 1970 in the Gregorian calendar, with years that begin in March.
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = years.div_euclid(400);
    let of_era = years.rem_euclid(400);
    let of_year = (153 * months + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + seconds - shift)
}

/// Year, month and day.
type Date = (i64, i64, i64);

/// The date that a part begins with, and the time behind a `T`.
fn iso_date(part: &str) -> Option<(Date, Option<&str>)> {
    let (date, rest) = match part.split_once(['T', 't']) {
        Some((date, rest)) => (date, Some(rest)),
        None => (part, None),
    };
    let mut numbers = date.split(['-', '/']);
    let (year, month, day) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if numbers.next().is_some()
        || year.len() != 4
        || ![year, month, day].iter().all(|text| digits(text))
    {
        return None;
    }
    let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    Some((date, rest))
}

/// The seconds of a time of day, and its distance from UTC in seconds if it says so.
fn clock(text: &str) -> Option<(i64, i64)> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')))
        .unwrap_or(text.len());
    let (time, zone) = text.split_at(end);
    let mut parts = time.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    if hours > 24 || minutes > 59 || !(0.0..=60.0).contains(&seconds) {
        return None;
    }
    let shift = match zone {
        "" | "Z" | "z" => 0,
        zone => zone_of(zone)?,
    };
    Some((hours * 3600 + minutes * 60 + seconds as i64, shift))
}

/// The seconds of `+05:30` and `-0800`.
fn zone_of(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let number: i64 = match digits.len() {
        2 => digits.parse::<i64>().ok()? * 100,
        4 => digits.parse().ok()?,
        _ => return None,
    };
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

fn month_of(lower: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    if let Some(number) = lower.strip_suffix('\u{6708}') {
        return number.parse().ok();
    }
    let place = MONTHS.iter().position(|month| {
        lower.starts_with(month)
            && lower.len() <= 9
            && lower.bytes().all(|b| b.is_ascii_alphabetic() || b == b'.')
    })?;
    i64::try_from(place + 1).ok()
}

/// The place of a value in an order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rank {
    value: Value,
    descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(Number),
    Time(i64),
    Text(String),
    /// What an item lacks, and what stands for nothing, is last in both directions.
    Nothing,
}

impl Rank {
    fn new(value: Option<&str>, descending: bool) -> Self {
        let value = match value.map(str::trim) {
            None | Some("" | "-" | "NA" | "N/A" | "null") => Value::Nothing,
            Some(text) => match number(text) {
                Some(number) => Value::Number(number),
                None => time(text).map_or_else(|| Value::Text(text.to_lowercase()), Value::Time),
            },
        };
        Self { value, descending }
    }
}

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        let kind = |value: &Value| match value {
            Value::Number(_) => 0,
            Value::Time(_) => 1,
            Value::Text(_) => 2,
            Value::Nothing => 3,
        };
        let ordering = match (&self.value, &other.value) {
            (Value::Nothing, _) | (_, Value::Nothing) => {
                return kind(&self.value).cmp(&kind(&other.value));
            }
            // A total order: what equals an integer as a float comes before it.
            (Value::Number(one), Value::Number(other)) => (one.value + 0.0)
                .total_cmp(&(other.value + 0.0))
                .then(one.exact.cmp(&other.exact)),
            (Value::Time(one), Value::Time(other)) => one.cmp(other),
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
            (one, other) => kind(one).cmp(&kind(other)),
        };
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_units_and_shares() {
        for (text, value) in [
            ("5", 5.0),
            ("-0.5", -0.5),
            ("3.768 K", 3768.0),
            ("0.02%", 0.02),
            ("10 Gbps", 1e10),
            ("100Mbps", 1e8),
            ("64 kbps", 64_000.0),
            ("69.148 M (0.0%)", 69_148_000.0),
            ("160.279 K (0.02%)", 160_279.0),
            ("1,234", 1234.0),
            ("2 GB", 2e9),
            ("12 ms", 12.0),
            ("1e3", 1000.0),
        ] {
            let read = number(text).map(Number::value);
            assert!(
                read.is_some_and(|read| (read - value).abs() < 1e-6 * value.abs().max(1.0)),
                "{text}: {read:?}"
            );
        }
        for text in [
            "",
            "NA",
            "10.20.1.1",
            "5 of 7",
            "1,2",
            "x5",
            "2 days",
            "12:30",
            "-",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_in_the_forms_of_answers() {
        let noon = 1_768_392_731;
        for text in [
            "14 Jan 2026 12:12:11 PM UTC",
            "2026-01-14 12:12:11",
            "2026-01-14T12:12:11Z",
            "2026-01-14T13:12:11+01:00",
            "Jan 14, 2026 12:12:11 PM",
            "Wed, 14 January 2026 12:12:11",
            "14 1\u{6708} 2026 12:12:11 PM CST",
        ] {
            assert_eq!(time(text), Some(noon), "{text}");
        }
        assert_eq!(time("14 Jan 2026"), Some(noon - 12 * 3600 - 731));
        assert_eq!(time("14 Jan 2026 12:12:11 AM"), Some(noon - 12 * 3600));
        for text in [
            "3 days ago",
            "node-2026",
            "10.20.30.40",
            "2026",
            "may 7 x 2026 12",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn wrong_conditions_are_told_where_and_what_is_accepted() {
        for (text, place, what) in [
            ("severity", 9, "expected one of"),
            ("a=1 b=2", 5, "expected `and`"),
            ("a=1 and", 5, "expected `and`"),
            ("a=1 and ", 9, "expected a name"),
            ("a=", 3, "expected a value"),
            ("a='x", 3, "not closed"),
            ("name<lyon", 6, "numbers and times"),
            ("a=1 or b=2", 5, "expected `and`"),
        ] {
            let error = Where::parse(text).unwrap_err();
            assert!(
                error.starts_with(&format!("at character {place}: ")),
                "{text}: {error}"
            );
            assert!(
                error.contains(what) && error.contains("severity<=2"),
                "{text}: {error}"
            );
        }
        let parsed = Where::parse(" severity <= 2 AND 'a b.c' !~ \"x and y\" and who!=''").unwrap();
        assert_eq!(
            parsed.names().collect::<Vec<_>>(),
            ["severity", "a b.c", "who"]
        );
        assert!(Where::parse("  ").unwrap().is_empty());
        assert!(Sort::parse("a,,b").is_err());
    }
}

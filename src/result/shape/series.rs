//! Series of points as what they say: a summary, and as many points as were asked for.

use crate::json::{Kind, Scanner, decoded};

use super::super::query;
use super::super::verdict::Problem;
use super::super::writer::Writer;
use super::Shaper;

/// Change between the first and the last quarter of a series, as a share of its average, that is a trend.
const TREND: f64 = 0.1;

/// Where an answer has points of series.
#[derive(Debug, Clone, Copy, Default)]
pub struct Series<'a> {
    /// The keys that lead to the array of points; `*` stands for any name and for each item of an array.
    pub path: &'a [&'a str],
    /// The member of a point with its time: a name, or a place in an array from 0 on.
    pub time: &'a str,
    /// The member with its value.
    pub value: &'a str,
    /// Members beside the points, or beside what they are in, that say the unit. Of an array its last text counts.
    pub unit: &'a [&'a str],
}

/// The keys that are still ahead on the way to a series.
type Ahead<'a> = (&'a [&'a str], Series<'a>);

struct Point<'s> {
    /// The time as it was sent, and as a number if it is one.
    time: Option<(&'s str, f64)>,
    value: f64,
}

impl<'a, 's> Shaper<'a, 's> {
    /// Writes an answer with summaries in place of the points of its series.
    pub(super) fn summed(
        &mut self,
        out: &mut Writer,
        depth: u32,
        ahead: &[Ahead<'a>],
        unit: &str,
    ) -> Result<(), Problem> {
        let kind = self.scan.kind()?;
        let object = kind == Kind::Object;
        if ahead.is_empty() || !matches!(kind, Kind::Object | Kind::Array) {
            self.fitting(out, usize::MAX, depth, false)?;
            return Ok(());
        }
        let own = if object {
            self.unit(ahead)?
        } else {
            String::new()
        };
        let unit = if own.is_empty() { unit } else { &own };
        let (open, close) = if object { ('{', b'}') } else { ('[', b']') };
        out.ascii(open);
        let mut more = self.scan.open(close)?;
        while more {
            let mut markup = false;
            let inner = if object {
                let key = self.scan.key()?;
                self.name(out, &key, usize::MAX);
                markup = self.is_markup(&key);
                steps(ahead, &decoded(&self.scan, &key))
            } else {
                out.entry();
                steps(ahead, "*")
            };
            let points = inner.iter().find(|(path, _)| path.is_empty());
            match points {
                Some((_, series)) if self.scan.kind()? == Kind::Array => {
                    self.summary(out, depth + 1, series, unit)?;
                }
                _ if inner.is_empty() => {
                    self.fitting(out, usize::MAX, depth + 1, markup)?;
                }
                _ => self.summed(out, depth + 1, &inner, unit)?,
            }
            more = self.scan.next(close)?;
        }
        out.ascii(char::from(close));
        Ok(())
    }

    /// What the object at which the scanner stands says of the unit of series in it.
    fn unit(&self, ahead: &[Ahead<'_>]) -> Result<String, Problem> {
        let mut scan = self.scan.clone();
        let mut parts: Vec<String> = Vec::new();
        let mut more = scan.open(b'}')?;
        while more {
            let key = scan.key()?;
            let name = decoded(&scan, &key);
            let is_unit = ahead
                .iter()
                .any(|(_, series)| series.unit.contains(&name.as_ref()));
            let begin = scan.clone();
            scan.skip(0)?;
            if is_unit && let Some(text) = last_text(begin)? {
                let text = self.context.gate.value(&text, false);
                if !text.is_empty() && !parts.iter().any(|part| *part == text) {
                    parts.push(text.chars().take(40).collect());
                }
            }
            more = scan.next(b'}')?;
        }
        Ok(parts.join(" "))
    }

    /// Writes the summary of the points at which the scanner stands.
    fn summary(
        &mut self,
        out: &mut Writer,
        depth: u32,
        series: &Series<'_>,
        unit: &str,
    ) -> Result<(), Problem> {
        let mut points: Vec<Point<'s>> = Vec::new();
        let (mut ordered, mut skipped) = (true, 0usize);
        let mut more = self.scan.open(b']')?;
        while more {
            match self.point(depth + 1, series)? {
                Some(point) => {
                    let before = points.last().and_then(|last| last.time);
                    ordered &= match (before, point.time) {
                        (Some((_, before)), Some((_, time))) => before <= time,
                        _ => true,
                    };
                    points.push(point);
                }
                None => skipped += 1,
            }
            more = self.scan.next(b']')?;
        }
        if !ordered {
            let key = |point: &Point<'_>| point.time.map_or(f64::NEG_INFINITY, |(_, time)| time);
            points.sort_by(|one, other| key(one).total_cmp(&key(other)));
        }
        out.ascii('{');
        if !unit.is_empty() && !series.unit.is_empty() {
            out.push("\"unit\":");
            out.string(unit);
        }
        for (name, point) in [("from", points.first()), ("to", points.last())] {
            if let Some((time, _)) = point.and_then(|point| point.time) {
                out.entry();
                out.push(&format!("\"{name}\":"));
                self.raw(out, time);
            }
        }
        out.entry();
        out.push(&format!("\"n\":{}", points.len()));
        if skipped > 0 {
            out.push(&format!(",\"without_value\":{skipped}"));
        }
        if let Some(last) = points.last() {
            let values: Vec<f64> = points.iter().map(|point| point.value).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let average = mean(&values);
            // Nearest rank: the smallest value that at least 95 of 100 do not exceed.
            let rank = (values.len() * 95).div_ceil(100).max(1) - 1;
            for (name, value) in [
                ("min", sorted[0]),
                ("average", average),
                ("max", sorted[sorted.len() - 1]),
                ("p95", sorted[rank]),
                ("last", last.value),
            ] {
                out.push(&format!(",\"{name}\":{}", shown(value)));
            }
            out.push(&format!(",\"trend\":\"{}\"", trend(&values, average)));
        }
        if let Some(wanted) = self
            .context
            .selection
            .query
            .points
            .filter(|wanted| *wanted > 0)
        {
            out.push(",\"points\":[");
            for number in thinned(points.len(), wanted) {
                let point = &points[number];
                out.entry();
                out.ascii('[');
                match point.time {
                    Some((time, _)) => self.raw(out, time),
                    None => out.push("null"),
                }
                out.push(&format!(",{}]", shown(point.value)));
            }
            out.ascii(']');
        }
        out.ascii('}');
        Ok(())
    }

    /// A time as it was sent: a number, or a text in its quotes.
    fn raw(&self, out: &mut Writer, sent: &str) {
        let mut shaper = Shaper::new(Scanner::lenient(sent.as_bytes()), self.context);
        let before = out.mark();
        if shaper.fitting(out, usize::MAX, 0, false).is_err() {
            out.undo(before);
            out.push("null");
        }
    }

    /// The point at which the scanner stands; `None` if it has no value that is a number.
    fn point(&mut self, depth: u32, series: &Series<'_>) -> Result<Option<Point<'s>>, Problem> {
        let kind = self.scan.kind()?;
        let (mut time, mut value) = (None, None);
        let close = match kind {
            Kind::Object => b'}',
            Kind::Array => b']',
            _ => {
                let begin = self.scan.clone();
                self.scan.skip(depth)?;
                return Ok(self
                    .number(begin)
                    .map(|(_, value)| Point { time: None, value }));
            }
        };
        let mut place = 0usize;
        let mut more = self.scan.open(close)?;
        while more {
            let (is_time, is_value) = if kind == Kind::Object {
                let key = self.scan.key()?;
                let name = decoded(&self.scan, &key);
                (name == series.time, name == series.value)
            } else {
                let own = |name: &str| name.parse() == Ok(place);
                (own(series.time), own(series.value))
            };
            let begin = self.scan.clone();
            self.scan.skip(depth + 1)?;
            if is_time {
                time = self.number(begin.clone());
            }
            if is_value {
                value = self.number(begin).map(|(_, value)| value);
            }
            place += 1;
            more = self.scan.next(close)?;
        }
        Ok(value.map(|value| Point { time, value }))
    }

    /// The value at which a scanner stands, as it was sent and as a number or moment.
    fn number(&self, mut scan: Scanner<'s>) -> Option<(&'s str, f64)> {
        let begin = scan.position();
        match scan.kind().ok()? {
            Kind::Number => {
                let range = scan.number().ok()?;
                let text = scan.plain(range);
                Some((text, query::number(text)?.value()))
            }
            Kind::String => {
                let span = scan.string().ok()?;
                let text = decoded(&scan, &span);
                let sent = std::str::from_utf8(scan.bytes(begin..scan.position())).ok()?;
                let value = query::number(&text).map(query::Number::value);
                Some((
                    sent,
                    value.or_else(|| query::time(&text).map(|time| time as f64))?,
                ))
            }
            _ => None,
        }
        .filter(|(_, value)| value.is_finite())
    }
}

/// The ways that go on with a key.
fn steps<'a>(ahead: &[Ahead<'a>], key: &str) -> Vec<Ahead<'a>> {
    ahead
        .iter()
        .filter_map(|(path, series)| {
            let (first, rest) = path.split_first()?;
            (*first == "*" || *first == key).then_some((rest, *series))
        })
        .collect()
}

/// A text, or the last text of an array.
fn last_text(mut scan: Scanner<'_>) -> Result<Option<String>, Problem> {
    let mut last = None;
    match scan.kind()? {
        Kind::String => {
            let span = scan.string()?;
            last = Some(decoded(&scan, &span).into_owned());
        }
        Kind::Array => {
            let mut more = scan.open(b']')?;
            while more {
                if scan.kind()? == Kind::String {
                    let span = scan.string()?;
                    last = Some(decoded(&scan, &span).into_owned());
                } else {
                    scan.skip(1)?;
                }
                more = scan.next(b']')?;
            }
        }
        _ => {}
    }
    Ok(last)
}

fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    values.iter().map(|value| value / count).sum()
}

/// Whether the last quarter of the values is above or below the first.
fn trend(values: &[f64], average: f64) -> &'static str {
    let quarter = (values.len() / 4).max(1);
    let change = mean(&values[values.len() - quarter..]) - mean(&values[..quarter]);
    if change.abs() <= average.abs() * TREND {
        "steady"
    } else if change > 0.0 {
        "rising"
    } else {
        "falling"
    }
}

/// The numbers of at most `wanted` of `count` points, evenly spread; the newest is always among them.
fn thinned(count: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.min(count);
    (1..=wanted)
        .map(|number| number * count / wanted - 1)
        .collect()
}

/// A number to four digits behind the point, a small one to four that say something, without those that say nothing.
fn shown(value: f64) -> String {
    let scale = match value.abs() {
        small if small > 0.0 && small < 0.1 => 10f64.powi(3 - small.log10().floor() as i32),
        _ => 1e4,
    };
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() {
        format!("{}", rounded + 0.0)
    } else {
        format!("{value:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_shown_by_their_own_digits() {
        for (value, text) in [
            (0.00004, "0.00004"),
            (1e-6, "0.000001"),
            (0.012_345_6, "0.01235"),
            (49.0, "49"),
            (-7.141_592_6, "-7.1416"),
            (0.0, "0"),
        ] {
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn points_are_thinned_evenly_and_the_newest_is_kept() {
        assert_eq!(thinned(10, 3), [2, 5, 9]);
        assert_eq!(thinned(3, 10), [0, 1, 2]);
        assert_eq!(thinned(0, 5), [0; 0]);
        for count in 1..50 {
            for wanted in 1..60 {
                let numbers = thinned(count, wanted);
                assert_eq!(numbers.len(), wanted.min(count));
                assert_eq!(numbers.last(), Some(&(count - 1)));
                assert!(numbers.windows(2).all(|two| two[0] < two[1]));
            }
        }
    }
}

//! Times as people and models write them, in the form that an operation takes.
//!
//! Owns which forms there are. OpManager takes its own local time: what names an instant is converted only where the
//! zone of the server is known, and rejected with the form that is wanted otherwise. Nothing is ignored.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::{Map, Value};

use crate::opmanager::{Target, Zone};

/// How an operation takes a time, as the document writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Seconds,
    Minutes,
    Slashes,
    Day,
    Clock,
    /// The document does not know.
    Unknown,
}

/// The forms, longest first: one stands in the text of another.
const FORMS: [(Form, &str); 5] = [
    (Form::Seconds, "yyyy-mm-dd hh:mm:ss"),
    (Form::Minutes, "yyyy-mm-dd hh:mm"),
    (Form::Slashes, "dd/mm/yyyy hh:mm"),
    (Form::Day, "yyyy-mm-dd"),
    (Form::Clock, "hh:mm"),
];

/// What is known of the zone in which a server keeps its time.
#[derive(Debug, Clone, Copy)]
pub(super) enum ServerZone<'a> {
    Known(&'a TimeZone),
    /// Nobody said it.
    Unsaid,
    /// It is not known which server is meant.
    NoServer,
}

impl<'a> ServerZone<'a> {
    /// That of a target, if one of these is of it.
    pub(super) fn of(zones: &'a [Zone], target: &Target) -> Self {
        Zone::of(zones, target).map_or(Self::Unsaid, Self::Known)
    }
}

/// A time as it was given.
enum Given {
    /// An instant, whatever the zone.
    Instant(Timestamp),
    /// Relative to the present day of the server.
    OnDay(i32, Time),
    /// Local time of the server.
    Local(DateTime),
    /// A local day.
    LocalDay(Date),
}

impl Form {
    /// The form of an argument, by what is said of it, or of the argument that it is like. `None` if it is not a time.
    fn of(name: &str, properties: &Map<String, Value>) -> Option<Self> {
        let description = |name: &str| properties.get(name)?["description"].as_str();
        let text = description(name)?.to_ascii_lowercase();
        let said = |text: &str| {
            let form = FORMS.iter().find(|(_, form)| text.contains(form));
            form.map(|(form, _)| *form)
        };
        said(&text)
            .or_else(|| {
                let (_, other) = text.split_once("as ")?;
                let end = other.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let other = &other[..end.unwrap_or(other.len())];
                let other = properties
                    .keys()
                    .find(|known| known.eq_ignore_ascii_case(other))?;
                said(&description(other)?.to_ascii_lowercase())
            })
            .or_else(|| {
                let is_time = name.ends_with("Time") || name.ends_with("Date");
                (is_time && text.contains("not documented")).then_some(Self::Unknown)
            })
    }

    fn text(self) -> &'static str {
        let form = FORMS.iter().find(|(form, _)| *form == self);
        form.map_or(
            "the local time of OpManager; the form is not documented",
            |(_, text)| text,
        )
    }

    /// A local time in this form; `None` if something of it would be lost.
    fn written(self, time: DateTime) -> Option<String> {
        let (date, clock) = (time.date(), time.time());
        let whole_minute = clock.second() == 0 && clock.subsec_nanosecond() == 0;
        Some(match self {
            Self::Seconds => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Self::Minutes if whole_minute => time.strftime("%Y-%m-%d %H:%M").to_string(),
            Self::Slashes if whole_minute => time.strftime("%d/%m/%Y %H:%M").to_string(),
            Self::Day if clock == Time::midnight() => date.to_string(),
            Self::Clock if whole_minute => time.strftime("%H:%M").to_string(),
            _ => return None,
        })
    }

    /// Whether a text has this form, or one that the operation takes too.
    fn has(self, text: &str) -> bool {
        let like = |form: &str| {
            text.len() == form.len()
                && text
                    .bytes()
                    .zip(form.bytes())
                    .all(|(given, form)| match form {
                        b'-' | b'/' | b':' | b' ' => given == form,
                        _ => given.is_ascii_digit(),
                    })
        };
        match self {
            Self::Unknown => false,
            // A bare day is midnight.
            Self::Seconds => [Self::Seconds, Self::Day]
                .iter()
                .any(|form| like(form.text())),
            form => like(form.text()),
        }
    }
}

/// Writes the times among arguments in the form that the operation takes, and says what is wrong with the others.
pub(super) fn convert(
    given: &mut Map<String, Value>,
    properties: &Map<String, Value>,
    zone: ServerZone<'_>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, value) in given.iter_mut() {
        let (Value::String(text), Some(form)) = (&*value, Form::of(name, properties)) else {
            continue;
        };
        match converted(text.trim(), form, zone) {
            Ok(None) => {}
            Ok(Some(text)) => *value = text.into(),
            Err(problem) => problems.push(format!("`{name}` {problem}")),
        }
    }
    problems
}

/// A text in the form that is wanted; `None` if it has it.
fn converted(text: &str, form: Form, zone: ServerZone<'_>) -> Result<Option<String>, String> {
    // A day that does not exist is one that was mistyped.
    let exists = form == Form::Clock || form == Form::Slashes || Given::read(text).is_some();
    if form.has(text) && exists {
        return Ok(None);
    }
    let wanted = form.text();
    let Some(read) = Given::read(text) else {
        // What the document is not sure of is OpManager's to judge.
        return match form {
            Form::Unknown | Form::Slashes => Ok(None),
            _ => Err(format!("must be {wanted}, in the local time of OpManager")),
        };
    };
    let local = match read {
        Given::Local(time) => time,
        Given::LocalDay(day) => day.to_datetime(Time::midnight()),
        Given::Instant(_) | Given::OnDay(..) => {
            let zone = match zone {
                ServerZone::Known(zone) => zone,
                ServerZone::Unsaid => {
                    return Err(format!(
                        "names an instant, and the time zone of OpManager is not known here: give its local time, {wanted}. The operator of this server can say the zone with --opmanager-zone HOST=Area/City"
                    ));
                }
                // Once the server is known, so is whether there is anything to say.
                ServerZone::NoServer => return Ok(None),
            };
            read.in_zone(zone)
                .ok_or_else(|| format!("must be {wanted}"))?
        }
    };
    if form == Form::Unknown {
        // A local time stays as it was written.
        return match read {
            Given::Local(_) | Given::LocalDay(_) => Ok(None),
            Given::Instant(_) | Given::OnDay(..) => {
                Ok(Some(local.strftime("%Y-%m-%d %H:%M:%S").to_string()))
            }
        };
    }
    // Seconds of an instant that is relative to now mean nothing.
    let local = match read {
        Given::Instant(_) if matches!(form, Form::Minutes | Form::Slashes | Form::Clock) => local
            .with()
            .second(0)
            .subsec_nanosecond(0)
            .build()
            .unwrap_or(local),
        _ => local,
    };
    form.written(local)
        .map(Some)
        .ok_or_else(|| format!("is more precise than the operation takes: must be {wanted}"))
}

impl Given {
    fn read(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        if let Some(offset) = lower.strip_prefix("now") {
            return Timestamp::now()
                .checked_add(jiff::SignedDuration::from_secs(seconds(offset.trim())?))
                .ok()
                .map(Self::Instant);
        }
        for (word, days) in [("today", 0), ("yesterday", -1), ("tomorrow", 1)] {
            if let Some(clock) = lower.strip_prefix(word) {
                let clock = clock.trim().trim_start_matches("at ").trim();
                let time = if clock.is_empty() {
                    Time::midnight()
                } else {
                    clock.parse().ok()?
                };
                return Some(Self::OnDay(days, time));
            }
        }
        if text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: i64 = text.parse().ok()?;
            // Seconds have ten digits until the year 2286.
            let instant = match text.len() {
                10 => Timestamp::from_second(number),
                13 => Timestamp::from_millisecond(number),
                _ => return None,
            };
            return instant.ok().map(Self::Instant);
        }
        if let Ok(zoned) = text.parse::<Zoned>() {
            return Some(Self::Instant(zoned.timestamp()));
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(Self::Instant(instant));
        }
        if let Ok(day) = text.parse::<Date>()
            && text.len() == 10
        {
            return Some(Self::LocalDay(day));
        }
        text.parse().ok().map(Self::Local)
    }

    fn in_zone(&self, zone: &TimeZone) -> Option<DateTime> {
        match self {
            Self::Instant(instant) => Some(instant.to_zoned(zone.clone()).datetime()),
            Self::OnDay(days, time) => {
                let today = Timestamp::now().to_zoned(zone.clone()).date();
                Some(today.checked_add(days.days()).ok()?.to_datetime(*time))
            }
            Self::Local(time) => Some(*time),
            Self::LocalDay(day) => Some(day.to_datetime(Time::midnight())),
        }
    }
}

/// The seconds of an offset such as `-1h` or `+30m`; none for an empty one.
fn seconds(offset: &str) -> Option<i64> {
    if offset.is_empty() {
        return Some(0);
    }
    let (sign, rest) = match offset.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let rest = rest.trim();
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = rest[..end].parse().ok()?;
    let unit = match rest[end..].trim() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(unit)?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn told(text: &str, form: Form, zone: Option<&TimeZone>) -> String {
        let zone = zone.map_or(ServerZone::Unsaid, ServerZone::Known);
        match converted(text, form, zone) {
            Ok(None) => text.to_owned(),
            Ok(Some(text)) => text,
            Err(problem) => format!("! {problem}"),
        }
    }

    #[test]
    fn fl_25_local_times_of_any_spelling_get_the_form_that_is_wanted() {
        for (text, form, wanted) in [
            ("2026-03-01 12:30:00", Form::Seconds, "2026-03-01 12:30:00"),
            ("2026-03-01", Form::Seconds, "2026-03-01"),
            ("2026-03-01T12:30:00", Form::Seconds, "2026-03-01 12:30:00"),
            ("2026-03-01T12:30", Form::Seconds, "2026-03-01 12:30:00"),
            ("2026-03-01 12:30", Form::Seconds, "2026-03-01 12:30:00"),
            ("2026-03-01T12:30:00", Form::Minutes, "2026-03-01 12:30"),
            ("2026-03-01", Form::Minutes, "2026-03-01 00:00"),
            ("2026-03-01T12:30", Form::Slashes, "01/03/2026 12:30"),
            ("2026-03-01T00:00:00", Form::Day, "2026-03-01"),
            ("01/03/2026 12:30", Form::Slashes, "01/03/2026 12:30"),
            ("03-01-2026", Form::Slashes, "03-01-2026"),
            ("whenever", Form::Unknown, "whenever"),
        ] {
            assert_eq!(told(text, form, None), wanted, "{text} as {form:?}");
        }
        for (text, form) in [
            ("2026-03-01T12:30:15", Form::Minutes),
            ("2026-03-01T12:30", Form::Day),
            ("noon", Form::Seconds),
            ("2026-13-01 00:00", Form::Minutes),
        ] {
            let told = told(text, form, None);
            assert!(
                told.starts_with("! ") && told.contains(form.text()),
                "{told}"
            );
        }
    }

    #[test]
    fn fl_25_an_instant_is_converted_where_the_zone_is_known_and_refused_elsewhere() {
        let zone = paris();
        for (text, wanted) in [
            ("2026-01-15T10:00:00Z", "2026-01-15 11:00:00"),
            ("2026-07-15T10:00:00Z", "2026-07-15 12:00:00"),
            ("2026-01-15T10:00:00+05:00", "2026-01-15 06:00:00"),
            ("1768471200", "2026-01-15 11:00:00"),
            ("1768471200000", "2026-01-15 11:00:00"),
            (
                "2026-01-15T10:00:00+01:00[Europe/Paris]",
                "2026-01-15 10:00:00",
            ),
        ] {
            assert_eq!(told(text, Form::Seconds, Some(&zone)), wanted, "{text}");
            for form in [
                Form::Seconds,
                Form::Minutes,
                Form::Day,
                Form::Slashes,
                Form::Unknown,
            ] {
                let told = told(text, form, None);
                assert!(
                    told.starts_with("! ") && told.contains("--opmanager-zone"),
                    "{text}: {told}"
                );
            }
        }
        for text in [
            "now",
            "now-1h",
            "now - 30 min",
            "today",
            "today 06:00",
            "yesterday 23:15:00",
        ] {
            assert!(
                told(text, Form::Seconds, None).contains("--opmanager-zone"),
                "{text}"
            );
            let told = told(text, Form::Seconds, Some(&zone));
            assert!(Form::Seconds.has(&told), "{text}: {told}");
        }
        let today = Timestamp::now().to_zoned(zone.clone()).date();
        let told = told("today 06:00", Form::Minutes, Some(&zone));
        // Midnight may pass between the two.
        let tomorrow = today.tomorrow().unwrap();
        assert!(
            [format!("{today} 06:00"), format!("{tomorrow} 06:00")].contains(&told),
            "{told}"
        );
    }

    #[test]
    fn the_form_of_a_time_is_what_the_document_says_of_it() {
        let form = |tool: &str, name: &str| {
            let tool = crate::tools::find(tool).unwrap();
            Form::of(name, tool.accepted()["properties"].as_object().unwrap())
        };
        assert_eq!(form("list_alarms", "fromTime"), Some(Form::Seconds));
        assert_eq!(form("list_alarms", "toTime"), Some(Form::Seconds));
        assert_eq!(form("list_alarms", "message"), None);
        assert_eq!(
            form("configure_suppress_alarm", "startTime"),
            Some(Form::Minutes)
        );
        assert_eq!(form("get_report_data", "endDate"), Some(Form::Day));
        assert_eq!(form("get_report_data", "timeWindow"), None);
        assert_eq!(form("get_interface_graphs", "endDate"), Some(Form::Slashes));
        assert_eq!(form("get_reports_data", "startTime"), Some(Form::Unknown));
        assert_eq!(
            form("add_downtime_schedule", "once_endate"),
            Some(Form::Minutes)
        );
        assert_eq!(form("add_downtime_schedule", "to_time"), Some(Form::Clock));
    }
}

//! Points in time as epoch milliseconds, and the text forms in which OpManager shows and takes them.
//!
//! Owns formatting and parsing. Does not know what time it is: the state does. All text is UTC.

use time::{Date, Duration, Month, OffsetDateTime, Time, UtcDateTime, Weekday};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

fn civil(at: i64) -> UtcDateTime {
    UtcDateTime::UNIX_EPOCH
        + Duration::milliseconds(at.clamp(-62_000_000_000_000, 250_000_000_000_000))
}

fn short(name: impl ToString + Copy) -> String {
    name.to_string().chars().take(3).collect()
}

fn half_day(hour: u8) -> (u8, &'static str) {
    ((hour + 11) % 12 + 1, if hour < 12 { "AM" } else { "PM" })
}

/// `8 Mar 2024 06:17:07 PM UTC`, the form of most answers.
pub(crate) fn long(at: i64) -> String {
    let t = civil(at);
    let (hour, half) = half_day(t.hour());
    format!(
        "{} {} {} {hour:02}:{:02}:{:02} {half} UTC",
        t.day(),
        short(t.month()),
        t.year(),
        t.minute(),
        t.second()
    )
}

/// `2022-10-26 17:34:18.481`, the form of logs and of virtual hosts.
pub(crate) fn stamp(at: i64) -> String {
    let t = civil(at);
    format!(
        "{} {:02}:{:02}:{:02}.{:03}",
        date(at),
        t.hour(),
        t.minute(),
        t.second(),
        t.millisecond()
    )
}

/// `Mon, Nov 28, 2022 13:00:00`, the form of downtime schedules.
pub(crate) fn weekday_form(at: i64) -> String {
    let t = civil(at);
    let (weekday, month) = (short(t.weekday()), short(t.month()));
    format!(
        "{weekday}, {month} {}, {} {:02}:{:02}:{:02}",
        t.day(),
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// `May 10, 2018 05:39 AM`, the form of hardware details.
pub(crate) fn month_first(at: i64) -> String {
    let t = civil(at);
    let (hour, half) = half_day(t.hour());
    format!(
        "{} {}, {} {hour:02}:{:02} {half}",
        short(t.month()),
        t.day(),
        t.year(),
        t.minute()
    )
}

/// `Apr 22, 2023 21:52 PM`, the odd form of VMware hosts: 24 hours and a half-day mark.
pub(crate) fn month_first_24(at: i64) -> String {
    let t = civil(at);
    let half = half_day(t.hour()).1;
    format!(
        "{} {}, {} {:02}:{:02} {half}",
        short(t.month()),
        t.day(),
        t.year(),
        t.hour(),
        t.minute()
    )
}

/// `2024-03-08`.
pub(crate) fn date(at: i64) -> String {
    let t = civil(at);
    format!("{}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day())
}

/// `10 minutes ago`.
pub(crate) fn ago(now: i64, at: i64) -> String {
    let gone = (now - at).max(0);
    let (count, unit) = match gone {
        MINUTE..HOUR => (gone / MINUTE, "minute"),
        HOUR..DAY => (gone / HOUR, "hour"),
        DAY.. => (gone / DAY, "day"),
        _ => (gone / SECOND, "second"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// Reads `yyyy-mm-dd`, `yyyy-mm-dd hh:mm` and `yyyy-mm-dd hh:mm:ss`; a bare date is midnight at its start.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (day, clock) = text
        .trim()
        .split_once(' ')
        .unwrap_or((text.trim(), "00:00"));
    let [year, month, day] = numbers(day, '-')?.try_into().ok()?;
    let clock = numbers(clock, ':')?;
    let (2 | 3) = clock.len() else { return None };
    let small = |number: i32| u8::try_from(number).ok();
    let date =
        Date::from_calendar_date(year, Month::try_from(small(month)?).ok()?, small(day)?).ok()?;
    let second = small(clock.get(2).copied().unwrap_or(0))?;
    let time = Time::from_hms(small(clock[0])?, small(clock[1])?, second).ok()?;
    Some(OffsetDateTime::new_utc(date, time).unix_timestamp() * SECOND)
}

/// Reads `hh:mm` as milliseconds after midnight.
pub(crate) fn parse_clock(text: &str) -> Option<i64> {
    parse(&format!("1970-01-01 {text}"))
}

/// The next moment after `now` at which a day that fits starts, plus `clock`.
pub(crate) fn next(now: i64, clock: i64, fits: impl Fn(Weekday, u8) -> bool) -> i64 {
    let midnight = now - now.rem_euclid(DAY);
    (0..62)
        .map(|days| midnight + days * DAY + clock)
        .find(|&at| at > now && fits(civil(at).weekday(), civil(at).day()))
        .unwrap_or(now)
}

fn numbers(text: &str, separator: char) -> Option<Vec<i32>> {
    text.split(separator)
        .map(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_709_921_827_793;

    #[test]
    fn every_text_form() {
        assert_eq!(long(AT), "8 Mar 2024 06:17:07 PM UTC");
        assert_eq!(stamp(AT), "2024-03-08 18:17:07.793");
        assert_eq!(weekday_form(AT), "Fri, Mar 8, 2024 18:17:07");
        assert_eq!(month_first(AT), "Mar 8, 2024 06:17 PM");
        assert_eq!(month_first_24(AT), "Mar 8, 2024 18:17 PM");
        assert_eq!(ago(AT, AT - 10 * MINUTE), "10 minutes ago");
        assert_eq!(ago(AT, AT - DAY), "1 day ago");
    }

    #[test]
    fn parses_what_is_documented_and_nothing_else() {
        assert_eq!(parse("2024-03-08 18:17:07"), Some(AT - 793));
        assert_eq!(parse("2024-03-08 18:17"), Some(AT - 7_793));
        assert_eq!(parse("1970-01-02"), Some(DAY));
        assert_eq!(parse_clock("01:30"), Some(90 * MINUTE));
        for wrong in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "2024-03-08T10:00",
            "2024-03-08 25:00",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}

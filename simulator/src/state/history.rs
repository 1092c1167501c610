//! What was: when devices did not answer, which downtime was planned for them, and series of values.
//!
//! Owns the reading of the past from events and schedules. Writes nothing.

use super::{Device, Interface, Monitor, Schedule, State};
use crate::clock::{self, DAY, HOUR, MINUTE};

/// A span of time in epoch milliseconds.
pub(crate) type Span = (i64, i64);

/// How long something was not available within a span, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Absence {
    /// In a planned downtime.
    pub(crate) planned: i64,
    /// Otherwise.
    pub(crate) unplanned: i64,
}

impl Absence {
    /// The parts of a span that it was up, in a planned downtime, and down, in whole per cent that add up to 100.
    /// Anything that was down at all was not up all the time.
    pub(crate) fn shares(self, (from, to): Span) -> [i64; 3] {
        let whole = (to - from).max(1);
        let share = |part: i64| (part * 100 + whole - 1) / whole;
        let down = share(self.unplanned).min(100);
        let planned = share(self.planned).min(100 - down);
        [100 - down - planned, planned, down]
    }
}

fn overlap(one: Span, other: Span) -> i64 {
    (one.1.min(other.1) - one.0.max(other.0)).max(0)
}

impl State {
    /// The spans in which a device did not answer, oldest first; the last ends now if it does not answer yet.
    pub(crate) fn outages(&self, device: &str) -> Vec<Span> {
        let entity = format!("{device}_Poll");
        let mut events: Vec<_> = self
            .events
            .iter()
            .filter(|event| event.entity == entity)
            .collect();
        events.sort_by_key(|event| event.at);
        let (mut spans, mut began) = (Vec::new(), None);
        for event in events {
            if event.severity != super::CLEAR {
                began.get_or_insert(event.at);
            } else if let Some(began) = began.take() {
                spans.push((began, event.at));
            }
        }
        spans.extend(began.map(|began| (began, self.now)));
        spans
    }

    /// The spans for which a device's downtime was planned once. Those that recur have ended nothing here.
    fn planned(&self, device: &str) -> Vec<Span> {
        let span = |schedule: &Schedule| {
            let is_for = schedule
                .field("selectedDevices")
                .split(',')
                .any(|name| name == device);
            let is_on = schedule.field("status") != "Disabled";
            let time = |name| clock::parse(schedule.field(name));
            (is_for && is_on).then_some((time("once_startat")?, time("once_endate")?))
        };
        self.schedules.iter().filter_map(span).collect()
    }

    /// How long a device did not answer within a span.
    pub(crate) fn absence(&self, device: &str, span: Span) -> Absence {
        let planned = self.planned(device);
        let mut absence = Absence::default();
        for outage in self.outages(device) {
            let outage = (outage.0.max(span.0), outage.1.min(span.1));
            let of_it: i64 = planned
                .iter()
                .map(|&planned| overlap(planned, outage))
                .sum();
            absence.planned += of_it;
            absence.unplanned += overlap(outage, span) - of_it;
        }
        absence
    }

    /// Whether a service of a device answers.
    pub(crate) fn has_service(&self, device: &Device, service: &str) -> bool {
        let entity = format!("{}_{service}", device.name);
        !self.is_down(device) && !self.active_alarms().any(|alarm| alarm.entity == entity)
    }

    /// When the values of a device were collected last.
    pub(crate) fn collected(&self, device: &Device) -> i64 {
        let down = self.outages(&device.name).last().copied();
        let down = down.filter(|(_, to)| *to == self.now).map(|(from, _)| from);
        let last = device.silent_since.or(down).unwrap_or(self.now);
        last.min(self.now) - 5 * MINUTE
    }

    /// The start of a period by its name or its number; the last 24 hours for anything else.
    pub(crate) fn period_start(&self, period: Option<&str>) -> i64 {
        let midnight = self.now - self.now.rem_euclid(DAY);
        match period {
            Some("twelvehours" | "16") => self.now - 12 * HOUR,
            Some("Today" | "6") => midnight,
            Some("Yesterday" | "7") => midnight - DAY,
            Some("thisweek" | "8" | "Last_7_Days" | "4") => self.now - 7 * DAY,
            Some("lastweek" | "9") => self.now - 14 * DAY,
            Some("thismonth" | "10" | "Last_30_Days" | "5") => self.now - 30 * DAY,
            Some("Last_Month" | "11") => self.now - 60 * DAY,
            _ => self.now - DAY,
        }
    }
}

impl Interface {
    /// Since when it is down, if it is. Where nothing says so, for a while.
    pub(crate) fn down_since(&self, now: i64) -> Option<i64> {
        (!self.up).then(|| self.since.unwrap_or(now - 95 * MINUTE))
    }
}

impl Monitor {
    /// Values for a graph, oldest first. One that grows has its points all over the time.
    pub(crate) fn series(&self, now: i64, from: i64) -> Vec<(i64, i64)> {
        if self.per_day == 0 {
            return series(now, from, self.value);
        }
        let points = ((now - from) / HOUR).clamp(1, 48);
        let step = (now - from) / points;
        (0..points)
            .map(|point| now - (points - 1 - point) * step)
            .map(|at| (at, (self.value - self.per_day * (now - at) / DAY).max(0)))
            .collect()
    }
}

/// Values for a graph, oldest first: a gentle wave around `level`, one point an hour.
pub(crate) fn series(now: i64, from: i64, level: i64) -> Vec<(i64, i64)> {
    const SWING: [i64; 8] = [0, 2, 4, 5, 4, 2, 0, -1];
    let points = ((now - from) / HOUR).clamp(1, 48);
    let at = |point: i64| now - now.rem_euclid(10 * MINUTE) - (points - 1 - point) * HOUR;
    (0..points)
        .map(|point| {
            (
                at(point),
                (level + SWING[(point % 8) as usize] * level.signum()).max(0),
            )
        })
        .collect()
}

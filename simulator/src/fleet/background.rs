//! What happens on any day and has no story: thresholds, services, ports, logs, and short outages that are over.
//!
//! Owns how much of it there is.

use super::{
    build::{Happening, Happenings, above, back, poll_down, poll_up},
    cast::Cast,
};
use crate::{
    clock::{DAY, HOUR, MINUTE},
    random::Random,
    state::{ATTENTION, Device, SERVICE_DOWN, State, TROUBLE},
};

/// Values above a threshold that are so now, and ones that were and are no more; ports that are down; services that do
/// not answer; traps and lines of logs; outages that are over.
const ABOVE: usize = 120;
const WERE_ABOVE: usize = 140;
const PORTS: usize = 60;
const SERVICES: usize = 25;
const MESSAGES: usize = 40;
const OUTAGES: usize = 45;
/// How many events all of this makes; the stories add theirs.
const EVENTS: usize = 2_920;
/// How far they reach back.
const REACH: i64 = 14 * DAY;

fn draw(free: &[&mut Device], random: &mut Random) -> usize {
    random.between(0, free.len() as i64 - 1) as usize
}

pub(super) fn add(
    state: &mut State,
    cast: &Cast,
    random: &mut Random,
    happenings: &mut Happenings,
) {
    let now = state.now;
    let free = state.devices.iter_mut();
    let mut free: Vec<&mut Device> = free
        .filter(|device| !cast.taken.contains(&device.name))
        .collect();
    for count in 0..ABOVE + WERE_ABOVE {
        let place = draw(&free, random);
        let device = &mut *free[place];
        let last = device.monitors.len() as i64 - 1;
        if last < 0 {
            continue;
        }
        let monitor = &mut device.monitors[random.between(0, last) as usize];
        let Some(threshold) = monitor.kind.threshold else {
            continue;
        };
        if monitor.value > threshold {
            continue;
        }
        let began = now - random.between(10 * MINUTE, 5 * DAY);
        let severity = if random.between(0, 2) == 0 {
            TROUBLE
        } else {
            ATTENTION
        };
        if count < ABOVE {
            monitor.value = threshold + random.between(1, 9);
            happenings.add(above(&device.name, monitor, severity, began));
        } else {
            happenings.add(above(&device.name, monitor, severity, began));
            let ended = began + (now - began) * random.between(20, 90) / 100;
            happenings.add(back(&device.name, monitor, ended));
        }
    }
    let mut switches: Vec<usize> = (0..free.len()).collect();
    switches.retain(|&place| free[place].name.contains("-acc-sw-"));
    for _ in 0..PORTS {
        let place = random.between(0, switches.len() as i64 - 1) as usize;
        let device = &mut *free[switches[place]];
        // Not the first one, which leads to the core.
        let used = device
            .interfaces
            .iter_mut()
            .skip(1)
            .filter(|port| port.managed && port.up);
        let Some(port) = used.last() else { continue };
        port.up = false;
        let began = now - random.between(20 * MINUTE, 6 * DAY);
        port.since = Some(began);
        happenings.add(Happening {
            device: device.name.clone(),
            entity: format!("{}_Status", port.name),
            severity: TROUBLE,
            message: format!("Interface {} ({}) is down", port.short_name, port.alias),
            event_type: "Interface Down",
            family: "",
            at: began,
        });
    }
    for _ in 0..SERVICES {
        let place = draw(&free, random);
        let device = &free[place];
        let Some(service) = device.services.first() else {
            continue;
        };
        happenings.add(Happening {
            device: device.name.clone(),
            entity: format!("{}_{service}", device.name),
            severity: SERVICE_DOWN,
            message: format!("Service {service} is down"),
            event_type: "Service Down",
            family: "",
            at: now - random.between(5 * MINUTE, 2 * DAY),
        });
    }
    for number in 0..MESSAGES {
        let place = draw(&free, random);
        let (event_type, family, message) = match number % 3 {
            0 => ("Syslog", "SyslogAlarms", "Syslog: time source was changed"),
            1 => ("Trap", "TrapAlarms", "Trap: a fan runs at full speed"),
            _ => (
                "EventLog",
                "EventLogAlarms",
                "Event log rule matched: failed sign-ins above 20 in 5 minutes",
            ),
        };
        happenings.add(Happening {
            device: free[place].name.clone(),
            entity: format!("{}_{number}", event_type.to_lowercase()),
            severity: ATTENTION,
            message: message.to_owned(),
            event_type,
            family,
            at: now - random.between(30 * MINUTE, 4 * DAY),
        });
    }
    for _ in 0..OUTAGES {
        let place = draw(&free, random);
        let began = now - random.between(6 * HOUR, REACH);
        happenings.add(poll_down(&free[place].name, began));
        let ended = began + random.between(10 * MINUTE, 90 * MINUTE);
        happenings.add(poll_up(&free[place].name, ended));
    }
    // The rest are old ones of a few, again and again.
    let mut again: Vec<(String, usize)> = Vec::new();
    while again.len() < 30 {
        let place = draw(&free, random);
        let device = &free[place];
        let below = |index: &usize| {
            let monitor = &device.monitors[*index];
            monitor
                .kind
                .threshold
                .is_some_and(|threshold| monitor.value <= threshold)
        };
        if let Some(index) = (0..device.monitors.len()).find(below) {
            again.push((device.name.clone(), index));
        }
    }
    while happenings.len() + 1 < EVENTS {
        let (name, index) = &again[random.between(0, again.len() as i64 - 1) as usize];
        let found = free.iter().find(|device| device.name == *name);
        let Some(monitor) = found.and_then(|device| device.monitors.get(*index)) else {
            break;
        };
        // Within one day of its own, so that no two overlap.
        let day = now - random.between(1, 13) * DAY;
        let began = day + random.between(0, 10 * HOUR);
        happenings.add(above(name, monitor, ATTENTION, began));
        happenings.add(back(
            name,
            monitor,
            began + random.between(5 * MINUTE, HOUR),
        ));
    }
}

//! Putting the fleet together: network, stories, background, and then everything that has happened, in its order.
//!
//! Owns the order. Each part is drawn from the seed in the same sequence whatever stories are left out, so that leaving
//! one out changes that story alone.

use super::{
    background,
    cast::Cast,
    network::{self, SITES, site_name, site_of},
    stories, texts,
    truth::Truth,
};
use crate::{
    checks::decode_pairs,
    clock::{self, DAY, HOUR},
    options::Options,
    random::Random,
    state::{
        BusinessView, CLEAR, CRITICAL, Device, Group, Incident, Monitor, Profile, Schedule, State,
        UrlMonitor,
    },
};

/// Something that has happened to a device.
pub(super) struct Happening {
    pub(super) device: String,
    pub(super) entity: String,
    pub(super) severity: i64,
    pub(super) message: String,
    pub(super) event_type: &'static str,
    pub(super) family: &'static str,
    pub(super) at: i64,
}

#[derive(Default)]
pub(super) struct Happenings(Vec<Happening>);

impl Happenings {
    pub(super) fn add(&mut self, happening: Happening) {
        self.0.push(happening);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn poll(
    device: &str,
    severity: i64,
    message: &str,
    event_type: &'static str,
    at: i64,
) -> Happening {
    Happening {
        device: device.to_owned(),
        entity: format!("{device}_Poll"),
        severity,
        message: message.to_owned(),
        event_type,
        family: "",
        at,
    }
}

pub(super) fn poll_down(device: &str, at: i64) -> Happening {
    let message = "Device is down: no answer to the last 5 polls";
    poll(device, CRITICAL, message, "Node Down", at)
}

pub(super) fn poll_up(device: &str, at: i64) -> Happening {
    poll(device, CLEAR, "Device is up again", "Node Up", at)
}

fn threshold(
    device: &str,
    monitor: &Monitor,
    severity: i64,
    message: String,
    at: i64,
) -> Happening {
    let kind = monitor.kind;
    Happening {
        device: device.to_owned(),
        entity: format!("{}_{}", monitor.poll_id, kind.display_name.replace(' ', "")),
        severity,
        message,
        event_type: "Threshold Down",
        family: "",
        at,
    }
}

/// A monitor is above its threshold, by its value.
pub(super) fn above(device: &str, monitor: &Monitor, severity: i64, at: i64) -> Happening {
    let limit = monitor.kind.threshold.unwrap_or(100);
    // A value that is well by now was too high then.
    let value = monitor.value.max(limit + 4);
    let name = monitor.kind.display_name;
    let message = format!("{name} is {value}% (threshold {limit}%)");
    threshold(device, monitor, severity, message, at)
}

pub(super) fn back(device: &str, monitor: &Monitor, at: i64) -> Happening {
    let message = format!("{} is back to normal", monitor.kind.display_name);
    threshold(device, monitor, CLEAR, message, at)
}

pub(super) fn build(options: &Options) -> (State, Truth) {
    let now = options.now;
    let mut random = Random::new(options.seed);
    let devices = network::devices(now, &mut random);
    let cast = Cast::draw(&devices, &mut random);
    let mut state = State::empty(now);
    state.devices = devices;
    add_lists(&mut state);
    let mut truth = Truth {
        poll_minutes: crate::state::POLL_MINUTES,
        ..Truth::default()
    };
    let mut happenings = Happenings::default();
    // The background first: it draws from what is left to it, with or without the stories.
    background::add(&mut state, &cast, &mut random, &mut happenings);
    let mut stage = stories::Stage {
        state: &mut state,
        cast: &cast,
        without: &options.without_stories,
        random: &mut random,
        happenings: &mut happenings,
        truth: &mut truth,
    };
    stage.play();
    happenings.0.sort_by_key(|happening| happening.at);
    for happening in &happenings.0 {
        let code = if happening.severity == CLEAR {
            "Threshold-UP"
        } else {
            "Threshold-DOWN"
        };
        state.raise(&Incident {
            device: &happening.device,
            entity: &happening.entity,
            severity: happening.severity,
            message: &happening.message,
            code,
            event_type: happening.event_type,
            family: happening.family,
            at: happening.at,
        });
    }
    texts::write_notes(&mut state, &cast, &options.without_stories, &mut truth);
    truth.count(&state);
    (state, truth)
}

fn names(state: &State, is_member: impl Fn(&Device) -> bool) -> Vec<String> {
    let members = state.devices.iter().filter(|device| is_member(device));
    members.map(|device| device.name.clone()).collect()
}

/// Groups, views, profiles, schedules and subnets.
fn add_lists(state: &mut State) {
    let group = |id, display_name: &str, description: &str, of_interfaces, members| Group {
        id,
        display_name: display_name.to_owned(),
        description: description.to_owned(),
        of_interfaces,
        members,
    };
    for number in SITES.iter().map(|site| site.number) {
        let name = site_name(number);
        let of_site = names(state, |device| site_of(device) == number);
        state.groups.push(group(
            410 + number as i64,
            &name,
            "All devices of the site",
            false,
            of_site,
        ));
        let is_network = |device: &Device| {
            let kinds = ["-core-sw-", "-acc-sw-", "-rtr-", "-fw-", "-wlc-"];
            kinds.iter().any(|kind| device.name.contains(kind))
        };
        // The far ends of its links are on the map as well.
        let links = network::links(state, number);
        let far = links.iter().map(|link| &link.dest);
        let mut members = names(state, |device| {
            site_of(device) == number && is_network(device)
        });
        for name in far {
            if !members.contains(name) {
                members.push(name.clone());
            }
        }
        let links = links
            .into_iter()
            .filter(|link| members.contains(&link.source))
            .collect();
        state.views.push(BusinessView {
            display_name: format!("Map of {name}"),
            members,
            links,
        });
        state.subnets.push((format!("198.18.{number}.0"), name));
    }
    let cores = names(state, |device| device.name.contains("-core-sw-"));
    let servers = names(state, |device| device.name.contains("-srv-"));
    let ports = state.devices.iter().flat_map(|device| &device.interfaces);
    let wan = ports
        .filter(|port| port.kind == "ppp")
        .map(|port| port.name.clone());
    let wan = wan.collect();
    state.groups.push(group(
        421,
        "Core switches",
        "One or two of each site",
        false,
        cores.clone(),
    ));
    state.groups.push(group(
        422,
        "WAN links",
        "Both ends of the links between sites",
        true,
        wan,
    ));
    let orders = servers.iter().step_by(9).cloned().collect();
    let backups = servers.iter().skip(4).step_by(13).cloned().collect();
    for (display_name, members) in [("Order intake", orders), ("Backups", backups)] {
        state.views.push(BusinessView {
            display_name: display_name.to_owned(),
            members,
            links: Vec::new(),
        });
    }
    let (near, far) = servers.into_iter().partition(|name| {
        ["s1-", "s2-", "s3-"]
            .iter()
            .any(|site| name.starts_with(site))
    });
    let profile = |id, name, kind, devices: Vec<String>| Profile {
        id,
        name,
        kind,
        global: true,
        enabled: true,
        devices: devices.into_iter().collect(),
    };
    state.profiles = vec![
        profile(701, "Mail the network team", "Send Email", cores),
        profile(702, "Ticket for servers", "Log a Ticket", near),
        profile(703, stories::SILENT_PROFILE, "Send Email", far),
        profile(704, "Restart the spooler", "Run Program", Vec::new()),
    ];
    state.urls.push(UrlMonitor {
        label: "intranet",
        url: "https://intranet.corp.example/",
        moid: 901,
        up: true,
        managed: true,
        device: None,
    });
    state.add_virtual(&["s1-esx-01", "s1-esx-02"], "s1-vm-01");
    for (number, controller) in names(state, |device| device.name.ends_with("-wlc-01"))
        .iter()
        .zip(1..)
        .map(|(name, number)| (number, name))
    {
        state.add_access_points(
            controller,
            &format!("s{number}-ap"),
            &format!("198.18.{number}"),
        );
    }
    add_schedules(state);
}

/// Schedules that are no story: one that runs every week, one that is due tomorrow, and one that is switched off and
/// would run now.
fn add_schedules(state: &mut State) {
    let (today, tomorrow) = (clock::date(state.now), clock::date(state.now + DAY));
    let schedules = [
        "scheduleName=Weekly patches&status=Enabled&scheduleDesc=Patches of the servers&recurrence=Weekly\
         &selectDevicesMethod=Category&selectedCateg=Server&startday=Sunday&endday=Sunday&from_time=02:00&to_time=04:00"
            .to_owned(),
        format!(
            "scheduleName=Firmware of the core&status=Enabled&recurrence=OnceOnly&selectDevicesMethod=Device\
             &selectedDevices=s2-core-sw-01,s2-core-sw-02&once_startat={tomorrow} 01:00&once_endate={tomorrow} 03:00"
        ),
        format!(
            "scheduleName=Storage check&status=Disabled&recurrence=OnceOnly&selectDevicesMethod=Device\
             &selectedDevices=s1-sto-01&once_startat={today} 00:00&once_endate={} 00:00",
            clock::date(state.now + 2 * DAY)
        ),
    ];
    for (fields, id) in schedules.iter().zip(12..) {
        state.schedules.push(Schedule {
            id,
            fields: decode_pairs(fields).into_iter().collect(),
        });
    }
}

/// `2026-01-14 08:00`, as schedules are written.
pub(super) fn minute(at: i64) -> String {
    clock::stamp(at).chars().take(16).collect()
}

/// The hour that began last, so long ago.
pub(super) fn hour_before(now: i64, hours: i64) -> i64 {
    now - now.rem_euclid(HOUR) - hours * HOUR
}

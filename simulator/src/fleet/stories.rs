//! The stories: what each does to the network, and what is true of it then.
//!
//! Owns what happens, to whom is decided in `cast`. Every story also says what the fleet is like without it.

use std::collections::BTreeSet;

use super::{
    Story,
    build::{Happening, Happenings, above, hour_before, minute, poll_down, poll_up},
    cast::Cast,
    network::{site_name, site_of},
    truth::{Cause, CoreDown, Down, FillingDisk, Flapping, Maintenance, Muted, Stale, Truth},
};
use crate::{
    checks::decode_pairs,
    clock::{DAY, HOUR, MINUTE},
    random::Random,
    state::{CLEAR, Interface, POLL_MINUTES, Schedule, State, TROUBLE},
};

pub(super) const SILENT_PROFILE: &str = "Mail the servers' desk";
const DOWNTIME: &str = "Rack move";

/// Where the stories are played.
pub(super) struct Stage<'a> {
    pub(super) state: &'a mut State,
    pub(super) cast: &'a Cast,
    pub(super) without: &'a [Story],
    pub(super) random: &'a mut Random,
    pub(super) happenings: &'a mut Happenings,
    pub(super) truth: &'a mut Truth,
}

impl Stage<'_> {
    pub(super) fn plays(&self, story: Story) -> bool {
        !self.without.contains(&story)
    }

    pub(super) fn play(&mut self) {
        self.keep_busy();
        self.core_switch();
        self.maintenance();
        self.lonely_outages();
        self.flapping_link();
        self.filling_disk();
        self.mutes();
        self.muted_port();
        self.twins();
        self.orders();
        self.unmanaged();
        self.stale_values();
        let on = !self.plays(Story::SilentProfile);
        if let Some(profile) = self
            .state
            .profiles
            .iter_mut()
            .find(|profile| profile.name == SILENT_PROFILE)
        {
            profile.enabled = on;
            if !on {
                self.truth.silent_profiles.insert(SILENT_PROFILE.to_owned());
            }
        }
    }

    pub(super) fn port(
        &mut self,
        device: &str,
        is_it: impl Fn(&Interface) -> bool,
    ) -> Option<&mut Interface> {
        let device = self.state.device_mut(device).ok()?;
        device.interfaces.iter_mut().find(|port| is_it(port))
    }

    fn port_event(&mut self, device: &str, port: &str, severity: i64, message: String, at: i64) {
        self.happenings.add(Happening {
            device: device.to_owned(),
            entity: format!("{port}_Status"),
            severity,
            message,
            event_type: if severity == CLEAR {
                "Interface Up"
            } else {
                "Interface Down"
            },
            family: "",
            at,
        });
    }

    /// Some links are nearly full, each to another degree.
    fn keep_busy(&mut self) {
        let (core_site, flapping) = (
            self.cast.core_site,
            format!("to s{}-rtr-01", self.cast.flapping_site),
        );
        let dark = format!("to s{core_site}-rtr-01");
        let mut loads = (85..=96).rev();
        for device in &mut self.state.devices {
            let is_hub = device.name == "s1-rtr-01" || device.name.ends_with("-core-sw-01");
            if !is_hub || site_of(device) == core_site {
                continue;
            }
            let ports = device.interfaces.iter_mut().filter(|port| {
                port.alias.starts_with("to ") && port.alias != flapping && port.alias != dark
            });
            for port in ports.take(if device.name == "s1-rtr-01" { 3 } else { 1 }) {
                let Some(load) = loads.next() else { return };
                let other = self.random.between(10, 60);
                port.load = Some(if load % 2 == 0 {
                    (load, other)
                } else {
                    (other, load)
                });
            }
        }
    }

    fn core_switch(&mut self) {
        let (now, site) = (self.state.now, self.cast.core_site);
        let (core, router, firewall) = (
            format!("s{site}-core-sw-01"),
            format!("s{site}-rtr-01"),
            format!("s{site}-fw-01"),
        );
        let plays = self.plays(Story::CoreSwitch);
        let since = now - 47 * MINUTE;
        let behind = self.state.devices.iter().filter(|device| {
            site_of(device) == site && ![&core, &router, &firewall].contains(&&device.name)
        });
        let behind: BTreeSet<String> = behind.map(|device| device.name.clone()).collect();
        for name in behind.iter().chain([&core]) {
            // Polls find them out one by one, some before the switch itself.
            let spread = (POLL_MINUTES - 1) * MINUTE;
            let (late, up) = (
                self.random.between(-spread / 2, spread),
                self.random.between(0, spread),
            );
            let at = if *name == core { since } else { since + late };
            self.happenings.add(poll_down(name, at));
            if !plays {
                self.happenings.add(poll_up(name, now - 10 * MINUTE + up));
                continue;
            }
            let cause = if *name == core {
                Cause::Itself
            } else {
                Cause::Behind(core.clone())
            };
            self.truth
                .down
                .insert(name.clone(), Down { since: at, cause });
        }
        let to_core = format!("to {core}");
        let mut link = String::new();
        for device in [&firewall, &router] {
            let Some(port) = self.port(device, |port| port.alias == to_core) else {
                continue;
            };
            let (name, short_name) = (port.name.clone(), port.short_name.clone());
            if plays {
                (port.up, port.since) = (false, Some(since));
            }
            let message = format!("Interface {short_name} ({to_core}) is down");
            self.port_event(device, &name, TROUBLE, message, since);
            if !plays {
                let message = format!("Interface {short_name} ({to_core}) is up");
                self.port_event(device, &name, CLEAR, message, now - 11 * MINUTE);
            }
            link = name;
        }
        if plays {
            self.truth.core = Some(CoreDown {
                device: core,
                site: site_name(site),
                since,
                symptoms: behind,
                link,
            });
        }
    }

    fn maintenance(&mut self) {
        let (now, site) = (self.state.now, self.cast.maintenance_site);
        let plays = self.plays(Story::Maintenance);
        let from = hour_before(now, 1);
        let to = if plays {
            from + 4 * HOUR
        } else {
            now - now.rem_euclid(10 * MINUTE) - 20 * MINUTE
        };
        let servers = (1..=6).map(|number| format!("s{site}-srv-{number:02}"));
        let devices: BTreeSet<String> = servers.chain([format!("s{site}-acc-sw-03")]).collect();
        let list: Vec<&str> = devices.iter().map(String::as_str).collect();
        let fields = format!(
            "scheduleName={DOWNTIME}&status=Enabled&scheduleDesc=A rack gets another place&recurrence=OnceOnly\
             &selectDevicesMethod=Device&selectedDevices={}&once_startat={}&once_endate={}",
            list.join(","),
            minute(from),
            minute(to),
        );
        let fields = decode_pairs(&fields).into_iter().collect();
        self.state.schedules.insert(0, Schedule { id: 11, fields });
        for name in &devices {
            let since = from + self.random.between(2 * MINUTE, 12 * MINUTE);
            self.happenings.add(poll_down(name, since));
            let cause = if plays {
                Cause::Maintenance(DOWNTIME.to_owned())
            } else {
                Cause::Itself
            };
            self.truth.down.insert(name.clone(), Down { since, cause });
        }
        self.truth.maintenance = Maintenance {
            schedule: DOWNTIME.to_owned(),
            from,
            to,
            is_running: plays,
            devices,
        };
    }

    fn lonely_outages(&mut self) {
        let now = self.state.now;
        for (name, ago) in self
            .cast
            .down
            .iter()
            .zip([3 * DAY + 4 * HOUR, 2 * HOUR, 25 * MINUTE])
        {
            self.happenings.add(poll_down(name, now - ago));
            let down = Down {
                since: now - ago,
                cause: Cause::Itself,
            };
            self.truth.down.insert(name.clone(), down);
        }
    }

    fn flapping_link(&mut self) {
        if !self.plays(Story::FlappingLink) {
            return;
        }
        let now = self.state.now;
        let device = format!("s{}-rtr-01", self.cast.flapping_site);
        let Some(port) = self.port(&device, |port| port.kind == "ppp") else {
            return;
        };
        (port.up, port.since) = (false, Some(now - 2 * MINUTE));
        let (interface, short_name) = (port.name.clone(), port.short_name.clone());
        // Down at first and down at last.
        let changes = 23;
        let mut since = now;
        for change in 0..changes {
            let at = now - 2 * MINUTE - change * 8 * MINUTE;
            let (severity, state) = if change % 2 == 0 {
                (TROUBLE, "down")
            } else {
                (CLEAR, "up")
            };
            let message = format!("Interface {short_name} (to s1-rtr-01) is {state}");
            self.port_event(&device, &interface, severity, message, at);
            since = at;
        }
        self.truth.flapping = Some(Flapping {
            entity: format!("{interface}_Status"),
            interface,
            device,
            changes: changes as usize,
            since,
        });
    }

    /// Sets a monitor of a device to a value, with an alarm if it is above the threshold then.
    pub(super) fn set(
        &mut self,
        device: &str,
        display_name: &str,
        value: i64,
        at: Option<i64>,
    ) -> Option<FillingDisk> {
        let monitors = &mut self.state.device_mut(device).ok()?.monitors;
        let monitor = monitors
            .iter_mut()
            .find(|monitor| monitor.kind.display_name == display_name)?;
        monitor.value = value;
        let threshold = monitor.kind.threshold?;
        if let Some(at) = at {
            self.happenings.add(above(device, monitor, TROUBLE, at));
        }
        Some(FillingDisk {
            device: device.to_owned(),
            monitor: monitor.kind.name.to_owned(),
            value,
            threshold,
            per_day: 0,
            days_left: 0,
        })
    }

    fn filling_disk(&mut self) {
        let (name, now) = (self.cast.disk.clone(), self.state.now);
        if !self.plays(Story::FillingDisk) {
            self.set(&name, "Disk Utilization", 51, None);
            return;
        }
        let (value, per_day) = (94, 2);
        let Some(disk) = self.set(&name, "Disk Utilization", value, Some(now - 4 * DAY)) else {
            return;
        };
        if let Ok(device) = self.state.device_mut(&name) {
            let disks = device
                .monitors
                .iter_mut()
                .filter(|monitor| monitor.kind.name == disk.monitor);
            disks.for_each(|monitor| monitor.per_day = per_day);
        }
        self.truth.disk = Some(FillingDisk {
            per_day,
            days_left: (100 - value) / per_day,
            ..disk
        });
    }

    fn mutes(&mut self) {
        let now = self.state.now;
        let (name, brief) = (self.cast.forgotten.clone(), self.cast.briefly_muted.clone());
        let plays = self.plays(Story::ForgottenMute);
        let since = now - 46 * DAY;
        // The event comes in any case, the alarm only if alarms are not muted.
        let memory = self.set(&name, "Memory Utilization", 97, Some(now - 3 * DAY));
        for (name, from, until) in [
            (&name, since, None),
            (&brief, now - HOUR, Some(now + 5 * HOUR)),
        ] {
            let is_forgotten = until.is_none();
            if is_forgotten && !plays {
                continue;
            }
            if let Ok(device) = self.state.device_mut(name) {
                device.suppressed = Some((from, until.unwrap_or(i64::MAX)));
            }
            let hides = memory.as_ref().filter(|_| is_forgotten);
            let muted = Muted {
                since: from,
                until,
                hides: hides.map(|memory| (memory.monitor.clone(), memory.value)),
            };
            self.truth.muted.insert(name.clone(), muted);
        }
    }

    /// One port, of the switch whose mute ends.
    fn muted_port(&mut self) {
        let (now, brief) = (self.state.now, self.cast.briefly_muted.clone());
        let window = (now - HOUR, now + 5 * HOUR);
        if let Some(port) = self.port(&brief, |port| port.managed) {
            port.suppressed = Some(window);
            let name = port.name.clone();
            let muted = Muted {
                since: window.0,
                until: Some(window.1),
                hides: None,
            };
            self.truth.muted_interfaces.insert(name, muted);
        }
    }

    fn twins(&mut self) {
        let [one, other] = self.cast.twins.clone();
        let plays = self.plays(Story::Twins);
        let names = [
            "mail-relay-01",
            if plays {
                "mail-relay-1"
            } else {
                "print-queue-7"
            },
        ];
        for (name, display_name) in [&one, &other].into_iter().zip(names) {
            self.rename(name, display_name);
        }
        self.set(
            &other,
            "CPU Utilization",
            98,
            Some(self.state.now - 70 * MINUTE),
        );
        if plays {
            let named = |name: String, display_name: &str| (name, display_name.to_owned());
            self.truth.twins = Some([named(one, names[0]), named(other, names[1])]);
        }
    }

    pub(super) fn rename(&mut self, name: &str, display_name: &str) {
        if let Ok(device) = self.state.device_mut(name) {
            device.display_name = display_name.to_owned();
        }
    }

    fn unmanaged(&mut self) {
        if !self.plays(Story::Unmanaged) {
            return;
        }
        for name in &self.cast.unmanaged {
            if let Ok(device) = self.state.device_mut(name) {
                device.managed = false;
            }
            self.truth.unmanaged.insert(name.clone());
        }
    }

    fn stale_values(&mut self) {
        if !self.plays(Story::StaleValues) {
            return;
        }
        let since = self.state.now - 9 * DAY;
        if let Ok(device) = self.state.device_mut(&self.cast.stale) {
            device.silent_since = Some(since);
        }
        self.truth.stale = Some(Stale {
            device: self.cast.stale.clone(),
            since,
        });
    }
}

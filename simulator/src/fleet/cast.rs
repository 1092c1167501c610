//! Which devices the stories happen to.
//!
//! Owns the drawing: no device has two stories, and none lies at the site whose core switch is down, unless it must.

use std::collections::BTreeSet;

use super::network::site_of;
use crate::{random::Random, state::Device};

pub(super) struct Cast {
    /// Sites: that of the core switch, that of the maintenance, and that from which the flapping link comes.
    pub(super) core_site: usize,
    pub(super) maintenance_site: usize,
    pub(super) flapping_site: usize,
    /// Devices.
    pub(super) disk: String,
    pub(super) forgotten: String,
    pub(super) briefly_muted: String,
    pub(super) twins: [String; 2],
    pub(super) stale: String,
    pub(super) unmanaged: Vec<String>,
    pub(super) down: Vec<String>,
    /// A printer, a switch and two servers whose texts give orders.
    pub(super) orders: [String; 4],
    /// All of the above, and all of the two sites: nothing else may happen to them.
    pub(super) taken: BTreeSet<String>,
}

struct Draw<'a> {
    devices: &'a [Device],
    taken: BTreeSet<String>,
    random: &'a mut Random,
}

impl Draw<'_> {
    fn one(&mut self, part: &str) -> String {
        let free = self
            .devices
            .iter()
            .filter(|device| device.name.contains(part) && !self.taken.contains(&device.name));
        let free: Vec<&Device> = free.collect();
        let last = (free.len() as i64 - 1).max(0);
        let drawn = free.get(self.random.between(0, last) as usize);
        let name = drawn.map_or_else(String::new, |device| device.name.clone());
        self.taken.insert(name.clone());
        name
    }
}

impl Cast {
    pub(super) fn draw(devices: &[Device], random: &mut Random) -> Cast {
        // Sites with one core switch, and sites whose routers have one link.
        let core_site = random.between(4, 9) as usize;
        let others: Vec<usize> = (2..=9).filter(|site| *site != core_site).collect();
        let first = random.between(0, 6) as usize;
        let (maintenance_site, flapping_site) = (others[first], others[(first + 1) % 7]);
        let is_set = |device: &&Device| [core_site, maintenance_site].contains(&site_of(device));
        let taken = devices
            .iter()
            .filter(is_set)
            .map(|device| device.name.clone());
        let mut draw = Draw {
            devices,
            taken: taken.collect(),
            random,
        };
        // What everybody needs stays up.
        for device in devices {
            let is_needed = ["-core-sw-", "-rtr-", "-fw-", "vcenter", "esx", "ntx"]
                .iter()
                .any(|part| device.name.contains(part));
            if is_needed {
                draw.taken.insert(device.name.clone());
            }
        }
        Cast {
            core_site,
            maintenance_site,
            flapping_site,
            disk: draw.one("s1-srv-"),
            forgotten: draw.one("-srv-"),
            briefly_muted: draw.one("-acc-sw-"),
            twins: [draw.one("s1-srv-"), draw.one("-srv-")],
            stale: draw.one("-srv-"),
            unmanaged: ["-prn-", "-srv-", "-srv-", "-acc-sw-", "-prn-", "-ups-"]
                .map(|part| draw.one(part))
                .into(),
            down: ["-prn-", "-srv-", "-acc-sw-"]
                .map(|part| draw.one(part))
                .into(),
            orders: ["-prn-", "-acc-sw-", "-srv-", "-srv-"].map(|part| draw.one(part)),
            taken: draw.taken,
        }
    }
}

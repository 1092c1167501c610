//! In which time zone a server keeps its local time, where an operator says it.

use std::str::FromStr;

use jiff::tz::TimeZone;

use super::policy::of_flag;
use super::target::split;
use super::{Host, Target};

/// The time zone of one server: `HOST[:PORT]=Area/City`. No answer of OpManager says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    host: Host,
    /// Every port if `None`.
    port: Option<u16>,
    zone: TimeZone,
}

impl Zone {
    /// The zone of a target, if one of these is of it.
    pub(crate) fn of<'a>(zones: &'a [Self], target: &Target) -> Option<&'a TimeZone> {
        let is_of = |zone: &&Self| {
            zone.host == *target.host() && zone.port.is_none_or(|port| port == target.port())
        };
        zones.iter().find(is_of).map(|zone| &zone.zone)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (target, zone) = text
            .split_once('=')
            .ok_or("must be HOST[:PORT]=Area/City, such as opmanager.example=Europe/Paris")?;
        let (host, port) = split(target).map_err(|error| of_flag(&error))?;
        let zone = TimeZone::get(zone).map_err(|_| {
            "names a time zone that does not exist; they are spelled as in Europe/Paris".to_owned()
        })?;
        Ok(Self { host, port, zone })
    }
}

//! A network of nine sites, drawn from a seed, in which a few things happen that have one true explanation each.
//!
//! Owns the stories and what is true of them, so that answers about the network can be held against it. Knows no
//! answers: operations show the fleet as they show the small network.

use std::{fmt, str::FromStr};

use crate::{options::Options, state::State, variant::UnknownName};

mod background;
mod build;
mod cast;
mod network;
mod stories;
mod texts;
mod truth;

pub use truth::{
    Acknowledged, Busy, Cause, CoreDown, Counts, Down, FillingDisk, Flapping, Maintenance, Muted,
    Stale, Truth,
};

/// Which network is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Some twenty devices, always the same.
    #[default]
    Small,
    /// Some four hundred devices on nine sites, drawn from [`Options::seed`].
    Fleet,
}

impl Network {
    /// Every network.
    pub const ALL: [Network; 2] = [Network::Small, Network::Fleet];

    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Network::Small => "small",
            Network::Fleet => "fleet",
        }
    }
}

impl FromStr for Network {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Network, UnknownName> {
        find(&Network::ALL, name, Network::name)
    }
}

/// Something that happens in the fleet. Each can be left out, which says what the fleet is like without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Story {
    /// The core switch of a site is down, and with it all that lies behind it. Without: all of it is up again.
    CoreSwitch,
    /// A link between two sites goes down and up every few minutes, and is down now. Without: it is steady.
    FlappingLink,
    /// A disk grows day by day and is above its threshold. Without: it is half full and stays so.
    FillingDisk,
    /// The alarms of a server were muted long ago, without an end, and its memory is full. Without: they are not, and
    /// there is an alarm.
    ForgottenMute,
    /// Devices are down during a downtime that was planned. Without: it is over, and they are still down.
    Maintenance,
    /// Two devices have nearly one display name, and one of them is in trouble. Without: the names differ.
    Twins,
    /// Texts that devices and people can write give orders to whoever reads them. Without: they are harmless.
    Orders,
    /// Some devices are not managed. Without: they are, and well.
    Unmanaged,
    /// The monitors of a server have collected nothing for days, while it counts as clear. Without: they do.
    StaleValues,
    /// Somebody has acknowledged alarms and left notes. Without: nobody has.
    AcknowledgedAlarms,
    /// A notification profile is off that should tell of servers. Without: it is on.
    SilentProfile,
}

impl Story {
    /// Every story.
    pub const ALL: [Story; 11] = [
        Story::CoreSwitch,
        Story::FlappingLink,
        Story::FillingDisk,
        Story::ForgottenMute,
        Story::Maintenance,
        Story::Twins,
        Story::Orders,
        Story::Unmanaged,
        Story::StaleValues,
        Story::AcknowledgedAlarms,
        Story::SilentProfile,
    ];

    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Story::CoreSwitch => "core-switch",
            Story::FlappingLink => "flapping-link",
            Story::FillingDisk => "filling-disk",
            Story::ForgottenMute => "forgotten-mute",
            Story::Maintenance => "maintenance",
            Story::Twins => "twins",
            Story::Orders => "orders",
            Story::Unmanaged => "unmanaged",
            Story::StaleValues => "stale-values",
            Story::AcknowledgedAlarms => "acknowledged-alarms",
            Story::SilentProfile => "silent-profile",
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Story {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Story, UnknownName> {
        find(&Story::ALL, name, Story::name)
    }
}

fn find<T: Copy>(all: &[T], name: &str, name_of: fn(T) -> &'static str) -> Result<T, UnknownName> {
    let found = all.iter().copied().find(|&one| name_of(one) == name);
    found.ok_or_else(|| UnknownName {
        accepted: all.iter().map(|&one| name_of(one)).collect(),
    })
}

/// What is true of the fleet that these options describe, at the start.
///
/// Names are those of a server that is no Central, which adds the suffix of a probe to each.
#[must_use]
pub fn truth(options: &Options) -> Truth {
    build::build(options).1
}

pub(crate) fn state(options: &Options) -> State {
    build::build(options).0
}

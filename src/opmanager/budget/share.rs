//! Which part of OpManager's limits this program uses.

use std::fmt;
use std::str::FromStr;

/// Most copies that share one OpManager.
const MOST: u16 = 1000;

/// A part of what OpManager permits, for one of several programs that use it: all of it by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateShare(Option<(u16, u16)>);

impl RateShare {
    /// Nothing is counted.
    pub const OFF: Self = Self(None);

    pub(super) const fn is_off(self) -> bool {
        self.0.is_none()
    }

    /// This part of so many places, rounded down; at least one, as nothing could be asked otherwise.
    pub(super) fn of(self, places: usize) -> usize {
        match self.0 {
            None => places,
            Some((part, whole)) => (places * usize::from(part) / usize::from(whole)).max(1),
        }
    }
}

impl Default for RateShare {
    fn default() -> Self {
        Self(Some((1, 1)))
    }
}

impl fmt::Display for RateShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("off"),
            Some((part, whole)) => write!(f, "{part}/{whole}"),
        }
    }
}

/// A text is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a fraction such as 1/3, from 1/{MOST} to 1/1, or off")]
pub struct NotAShare;

impl FromStr for RateShare {
    type Err = NotAShare;

    fn from_str(text: &str) -> Result<Self, NotAShare> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        let (part, whole) = text.split_once('/').ok_or(NotAShare)?;
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u16>().map_err(|_| NotAShare),
            false => Err(NotAShare),
        };
        let (part, whole) = (number(part)?, number(whole)?);
        if (1..=whole).contains(&part) && whole <= MOST {
            Ok(Self(Some((part, whole))))
        } else {
            Err(NotAShare)
        }
    }
}

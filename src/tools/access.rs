//! What a tool may do to OpManager.

use std::fmt;
use std::str::FromStr;

/// What a tool may do to OpManager. Each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Access {
    /// Changes nothing, whatever the HTTP verb. Probes (ping, trace route, a test poll) count as reading.
    #[default]
    Read,
    /// Adds or changes something that can be added or changed back.
    Write,
    /// Removes something for good.
    Destructive,
}

impl Access {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Destructive];

    /// The word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }

    /// Whether everything that this level permits is permitted by `limit`.
    pub(crate) const fn is_within(self, limit: Self) -> bool {
        self as u8 <= limit as u8
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Access {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|access| access.word() == word)
            .ok_or_else(|| "expected read, write or destructive".to_owned())
    }
}

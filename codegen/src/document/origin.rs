//! What a statement of the document rests on, and which installations it holds for.
//!
//! Owns the words of `x-basis`, `x-since` and `x-variant`. Does not know where they may stand; that is for the rules.

/// What an operation or a parameter rests on, the firmest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// A page of the vendor, mostly the one in `vendor.json`.
    Documented,
    /// A request to a real server and its answer, both seen.
    Captured,
    /// Somebody else's program sends or reads it; no answer was seen.
    ThirdParty,
    /// Concluded by us.
    Inferred,
}

impl Basis {
    /// All of them, the firmest first.
    pub const ALL: [Self; 4] = [
        Self::Documented,
        Self::Captured,
        Self::ThirdParty,
        Self::Inferred,
    ];

    /// The word in the document.
    pub fn word(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Captured => "captured",
            Self::ThirdParty => "third-party",
            Self::Inferred => "inferred",
        }
    }

    /// The name of the variant in generated code.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Documented => "Documented",
            Self::Captured => "Captured",
            Self::ThirdParty => "ThirdParty",
            Self::Inferred => "Inferred",
        }
    }

    /// The basis of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.word() == word)
    }
}

/// Where an operation or a parameter comes from, and who has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// `x-basis`; `None` where nothing is stated.
    pub basis: Option<Basis>,
    /// `x-since`: the first build that has it as three numbers with dots, or `newer` or `classic` where no build is
    /// known.
    pub since: Option<String>,
    /// `x-variant`: the only installations that have it, `msp`, `central`, `probe`, or `addon:` and its name.
    pub variant: Option<String>,
}

/// `x-since` of what only newer builds have.
const NEWER: &str = "newer";
/// `x-since` of what only older builds have.
const CLASSIC: &str = "classic";
/// Kinds of installations. An add-on is written `addon:name`.
const VARIANTS: [&str; 3] = ["msp", "central", "probe"];

impl Origin {
    /// Whether there are builds or installations that do not know it.
    pub fn is_of_some_builds(&self) -> bool {
        self.since.is_some() || self.variant.is_some()
    }
}

/// Whether a word may stand in `x-since`.
pub(crate) fn is_since(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let number =
        |part: &&str| (1..=6).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    [NEWER, CLASSIC].contains(&word) || parts.len() == 3 && parts.iter().all(number)
}

/// Whether a word may stand in `x-variant`.
pub(crate) fn is_variant(word: &str) -> bool {
    let name = word.strip_prefix("addon:");
    VARIANTS.contains(&word)
        || name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase()))
}

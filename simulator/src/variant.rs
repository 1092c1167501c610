//! The kinds of OpManager that the simulator plays, beside the one that the document describes.
//!
//! Owns which parameters a variant takes, and the order in which an answer is rewritten for it. Knows no network: what a
//! variant shows of it is decided in `operations`, by asking here.

use std::{fmt, str::FromStr};

use serde_json::Value;

use crate::{
    checks::{Arguments, Refusal},
    contract::{self, Operation, Parameter},
};

pub(crate) mod central;
mod forms;
mod words;

/// A kind of OpManager. They say the same of the same network, each in its own form.
///
/// What they do was seen in public code or stands on newer pages of the vendor; each fact is marked where it is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// As the document says.
    #[default]
    Documented,
    /// A build of some years ago: bare lists, a message in place of an empty list, the key in the query as well, older
    /// spellings of some operations, and parameters that it does not know are ignored.
    Classic,
    /// A newer build: pages with numeric counters, `filters`, more columns to sort by, lists of severities.
    Newer,
    /// A newer build whose words, month names and messages are French, with counters that lie. Codes are as ever.
    Localized,
    /// An MSP Central: customers, names with the suffix of a probe, `probeName`, and some operations blocked.
    Msp,
    /// A build that refuses each parameter that the vendor's page does not document, and requires `rows`.
    Strict,
}

impl Variant {
    /// Every variant.
    pub const ALL: [Variant; 6] = [
        Variant::Documented,
        Variant::Classic,
        Variant::Newer,
        Variant::Localized,
        Variant::Msp,
        Variant::Strict,
    ];

    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Variant::Documented => "documented",
            Variant::Classic => "classic",
            Variant::Newer => "newer",
            Variant::Localized => "localized",
            Variant::Msp => "msp",
            Variant::Strict => "strict",
        }
    }
}

/// The name is none of those of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    pub(crate) accepted: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "must be one of {}", self.accepted.join(", "))
    }
}

impl std::error::Error for UnknownName {}

impl FromStr for Variant {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Variant, UnknownName> {
        let mut all = Variant::ALL.into_iter();
        all.find(|variant| variant.name() == name)
            .ok_or_else(|| UnknownName {
                accepted: Variant::ALL.map(Variant::name).to_vec(),
            })
    }
}

/// What an unknown parameter does to a request.
pub(crate) enum Unknown {
    Taken,
    Ignored,
    Refused,
}

/// Third party: how builds of about 2016 to 2018 spell the last part of these paths.
const OLD_SPELLINGS: [(&str, &str); 4] = [
    (
        "getPerformanceMonitorDetails",
        "getPerfomanceMonitorDetails",
    ),
    ("addPerformanceMonitors", "addPerfomanceMonitors"),
    ("deletePerformanceMonitors", "deletePerfomanceMonitors"),
    ("getDeviceAssociatedMonitors", "getAssociatedMonitors"),
];

/// Columns that newer builds sort interfaces by. Documented on the vendor's newest page, as far as it is known.
const INTERFACE_COLUMNS: [&str; 13] = [
    "statusNum",
    "interfaceDisplayName",
    "displayName",
    "adminStatus",
    "operStatus",
    "ipAddress",
    "type",
    "inSpeed",
    "outSpeed",
    "inTraffic",
    "outTraffic",
    "isSuppressed",
    "probeName",
];

impl Variant {
    /// Whether it has what the newest pages add to lists.
    pub(crate) fn has_filters(self) -> bool {
        matches!(self, Variant::Newer | Variant::Localized)
    }

    /// Captured: a list of alarms without `alertType` holds the cleared ones too. The documented variant keeps to what
    /// the page lets one expect.
    pub(crate) fn lists_cleared(self) -> bool {
        self != Variant::Documented
    }

    /// Whether the key may come in the query, as builds before 128100 have it.
    pub(crate) fn takes_key_in_query(self) -> bool {
        self == Variant::Classic
    }

    pub(crate) fn operation_at(self, path: &str) -> Option<&'static Operation> {
        if self != Variant::Classic {
            return contract::operation_at(path);
        }
        let (module, last) = path.rsplit_once('/')?;
        if OLD_SPELLINGS.iter().any(|(present, _)| *present == last) {
            return None;
        }
        let old = OLD_SPELLINGS.iter().find(|(_, old)| *old == last);
        let last = old.map_or(last, |(present, _)| present);
        contract::operation_at(&format!("{module}/{last}"))
    }

    /// What becomes of a parameter that the document does not have, or that only others than the page have.
    pub(crate) fn judge_name(self, name: &str, found: Option<&Parameter>) -> Unknown {
        let is_scope = matches!(name, "selCustomerID" | "regionID");
        match (self, found) {
            (Variant::Strict, Some(parameter)) if !parameter.documented => Unknown::Refused,
            (_, Some(_)) => Unknown::Taken,
            // Read elsewhere: it is about whose network it is, not about what is done with it.
            (Variant::Msp, None) if is_scope => Unknown::Ignored,
            // Inferred: the per-parameter rules came later.
            (Variant::Classic, None) => Unknown::Ignored,
            _ => Unknown::Refused,
        }
    }

    /// The verdict on a value where the variant has a rule of its own; else the document decides.
    pub(crate) fn judge_value(
        self,
        operation: &Operation,
        name: &str,
        value: &str,
    ) -> Option<Result<(), Refusal>> {
        let is_later = self.has_filters() || self == Variant::Strict;
        if self == Variant::Strict && value.contains(['"', '\'', ';', '\\']) && !is_json(name) {
            return Some(Err(pattern(name)));
        }
        if !is_later || operation.id != "listInterfaces" {
            return None;
        }
        let is_number_to = |most: u32| {
            value
                .parse()
                .is_ok_and(|number| (1..=most).contains(&number))
        };
        let fits = match name {
            "sortByColumn" => INTERFACE_COLUMNS.contains(&value) || value.starts_with("UDF"),
            "severity" => value
                .split(',')
                .all(|code| code.parse().is_ok_and(|code: u32| (1..=11).contains(&code))),
            "rows" => is_number_to(20_000),
            "page" => is_number_to(5_000),
            // Sources disagree: a boolean on the newest page, three names on the older one.
            "intfProps" => return Some(Ok(())),
            _ => return None,
        };
        Some(if fits { Ok(()) } else { Err(pattern(name)) })
    }

    /// The parameter that this variant requires beyond the document.
    pub(crate) fn requires(self, operation: &Operation) -> Option<&'static str> {
        (self == Variant::Strict && operation.id == "listInterfaces").then_some("rows")
    }

    /// The answer of an operation in this variant's form and words.
    pub(crate) fn answer(
        self,
        operation: &Operation,
        arguments: &Arguments,
        empty_as_message: bool,
        mut answer: Value,
    ) -> Value {
        forms::shape(self, operation.id, arguments, &mut answer);
        if empty_as_message || self == Variant::Classic {
            forms::empty_as_message(operation, &mut answer);
        }
        if self == Variant::Msp {
            central::add_probe_names(&mut answer);
        }
        if self == Variant::Localized {
            words::translate_answer(&mut answer);
        }
        answer
    }

    /// A refusal in this variant's words.
    pub(crate) fn refusal(self, refusal: &Refusal) -> Value {
        let mut json = refusal.json();
        if self == Variant::Localized {
            words::translate_refusal(&mut json);
        }
        json
    }
}

/// Parameters that hold JSON, in which quotes are at home.
fn is_json(name: &str) -> bool {
    matches!(name, "filters" | "values" | "timeSettings")
}

fn pattern(name: &str) -> Refusal {
    Refusal::new(
        Some("PATTERN_NOT_MATCHED"),
        format!("The parameter '{name}' does not have one of its allowed values."),
    )
}

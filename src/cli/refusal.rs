//! Error messages for an invalid command line.
//!
//! Owns their texts; knows no command. Whatever was typed may be a key or token in the wrong place, so none of it is
//! repeated: clap's own messages, which quote it, are taken apart, and only what the program itself defines is kept.

use std::error::Error as _;
use std::fmt::{Display, Write as _};
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Reads a whole number within bounds. clap's own parser quotes what it refuses.
pub(crate) fn whole<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
    }
}

/// The text for a command line that clap refuses: the flag or place, what is accepted there, and how the command is used.
pub(super) fn text(error: &clap::Error) -> String {
    let mut text = format!("error: {}\n", sentence(error));
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let _ = write!(text, "\n{usage}\n");
    }
    text.push_str(
        "\nWhat was typed is not repeated: it may be a key. For more information, try '--help'.\n",
    );
    text
}

fn sentence(error: &clap::Error) -> String {
    let names = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => name.clone(),
        Some(ContextValue::Strings(names)) => names.join(", "),
        _ => String::new(),
    };
    let meant = |kind| {
        let names = names(kind);
        if names.is_empty() {
            names
        } else {
            format!("; did you mean {names}?")
        }
    };
    // Of these kinds it is an argument that the program defines.
    let place = || names(ContextKind::InvalidArg);
    let valid = || names(ContextKind::ValidValue);
    match error.kind() {
        ErrorKind::InvalidValue if valid().is_empty() => format!("{} needs a value", place()),
        ErrorKind::InvalidValue => format!("{}: must be one of {}", place(), valid()),
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string);
            // The parsers of this program quote nothing; those of libraries may.
            let value = names(ContextKind::InvalidValue);
            let reason = reason.filter(|reason| !repeats(reason, &value));
            let reason =
                reason.unwrap_or_else(|| "must have the form that --help shows".to_owned());
            format!("{}: {reason}", place())
        }
        ErrorKind::UnknownArgument => format!(
            "there is no such argument here{}",
            meant(ContextKind::SuggestedArg)
        ),
        ErrorKind::InvalidSubcommand => format!(
            "there is no such command{}",
            meant(ContextKind::SuggestedSubcommand)
        ),
        ErrorKind::NoEquals => format!("{} needs its value after `=`", place()),
        ErrorKind::TooManyValues => format!("{} takes no value, or no further one", place()),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{} needs another number of values", place())
        }
        ErrorKind::ArgumentConflict => {
            let other = names(ContextKind::PriorArg);
            if place().is_empty() {
                format!(
                    "{other} cannot be used before a command; give it behind the command, if it has it"
                )
            } else if other.is_empty() || other == place() {
                format!("{} may be given once only", place())
            } else {
                format!("{} cannot be used together with {other}", place())
            }
        }
        ErrorKind::MissingRequiredArgument => format!("missing: {}", place()),
        ErrorKind::MissingSubcommand => {
            format!(
                "a command is missing: {}",
                names(ContextKind::ValidSubcommand)
            )
        }
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the arguments cannot be used".to_owned(),
    }
}

/// Whether a text holds the value that was refused, as a word of its own.
fn repeats(text: &str, value: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !value.is_empty()
        && text.match_indices(value).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + value.len()..]);
            !before.ends_with(in_word) && !after.starts_with(in_word)
        })
}

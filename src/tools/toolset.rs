//! The macro layer: how an operation becomes a tool, in one line.
//!
//! ```text
//! toolset! {
//!     "alarms": "What is wrong now, and acting on it.";
//!     tools {
//!         list_alarms(ListAlarmsArgs): "List alarms", read core;
//!         clear_alarm(ClearAlarmArgs): "Clear alarm", write idempotent overwrites;
//!         get_notes(GetAnnotationArgs): "Alarm notes", read, was "get_annotation";
//!     }
//!     hidden {
//!         SomeArgs: "why it is not offered";
//!     }
//! }
//! ```
//!
//! `was` is the name that a tool had until the version before: calls and flags by that name still find it, and no
//! list has it.
//!
//! A misspelt operation or a missing access word does not compile, and neither does an operation that no
//! toolset decides or two decide. The HTTP verb plays no part.

use futures::future::BoxFuture;
use serde_json::Value;

use super::Entry;
use crate::opmanager::{Client, Error, Operation, OperationId, RawResponse};

/// A toolset: an area of the API, decided operation by operation.
pub(crate) struct Toolset {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it is for, in a sentence.
    pub(crate) purpose: &'static str,
    /// The operations that are tools.
    pub(crate) tools: &'static [Entry],
    /// The operations that are not, and why.
    pub(crate) hidden: &'static [(OperationId, &'static str)],
}

/// Sends an operation whose arguments have been checked against its schema.
pub(crate) type Call = for<'a> fn(&'a Client, Value) -> BoxFuture<'a, Result<RawResponse, Error>>;

/// The [`Call`] of an operation.
pub(super) fn call<O: Operation>(
    client: &Client,
    arguments: Value,
) -> BoxFuture<'_, Result<RawResponse, Error>> {
    Box::pin(async move {
        let arguments: O = serde_json::from_value(arguments)
            .map_err(|error| Error::argument("arguments", format!("do not fit: {error}")))?;
        client.call_raw(&arguments).await
    })
}

macro_rules! toolset {
    (
        $set:literal: $purpose:literal;
        tools { $( $name:ident($arguments:ident): $title:literal, $access:ident $($word:ident)* $(, was $was:literal)?; )* }
        $( hidden { $( $absent:ident: $reason:literal; )* } )?
    ) => {
        /// This toolset.
        pub(super) const TOOLSET: $crate::tools::Toolset = $crate::tools::Toolset {
            name: $set,
            purpose: $purpose,
            tools: &[ $( $crate::tools::Entry {
                name: stringify!($name),
                title: $title,
                access: $crate::tools::toolset::access!($access),
                words: $crate::tools::toolset::Words::of(&[ $( stringify!($word) ),* ]),
                was: &[ $( $was )? ],
                operation: <$crate::opmanager::types::$arguments as $crate::opmanager::Operation>::ID,
                call: $crate::tools::toolset::call::<$crate::opmanager::types::$arguments>,
            } ),* ],
            hidden: &[ $( $( (
                <$crate::opmanager::types::$absent as $crate::opmanager::Operation>::ID,
                $reason,
            ) ),* )? ],
        };
    };
}

macro_rules! access {
    (read) => {
        $crate::tools::Access::Read
    };
    (write) => {
        $crate::tools::Access::Write
    };
    (destructive) => {
        $crate::tools::Access::Destructive
    };
}

pub(super) use {access, toolset};

/// What a line may say of a tool beyond its access.
pub(crate) struct Words {
    /// Whether a second identical call changes nothing more. Reads always are.
    pub(crate) idempotent: bool,
    /// Whether it replaces what was there before, without removing it for good.
    pub(crate) overwrites: bool,
    /// Whether it belongs to the tools that every operator needs.
    pub(crate) core: bool,
}

impl Words {
    /// The meaning of the words of a line; an unknown one does not compile.
    pub(super) const fn of(words: &[&str]) -> Self {
        let mut meaning = Self {
            idempotent: false,
            overwrites: false,
            core: false,
        };
        let mut word = 0;
        while word < words.len() {
            match words[word].as_bytes() {
                b"idempotent" => meaning.idempotent = true,
                b"overwrites" => meaning.overwrites = true,
                b"core" => meaning.core = true,
                _ => panic!("a tool is described by: idempotent, overwrites, core"),
            }
            word += 1;
        }
        meaning
    }
}

/// Fails the build unless each operation of the document is decided exactly once.
pub(super) const fn decided_once(toolsets: &[Toolset]) {
    let mut decisions = [0u8; OperationId::ALL.len()];
    let mut set = 0;
    while set < toolsets.len() {
        let mut entry = 0;
        while entry < toolsets[set].tools.len() {
            decisions[toolsets[set].tools[entry].operation as usize] += 1;
            entry += 1;
        }
        entry = 0;
        while entry < toolsets[set].hidden.len() {
            decisions[toolsets[set].hidden[entry].0 as usize] += 1;
            entry += 1;
        }
        set += 1;
    }
    let mut operation = 0;
    while operation < decisions.len() {
        if decisions[operation] != 1 {
            // The only text that a constant can print is one it holds: the operation's name.
            panic!("{}", OperationId::ALL[operation].specification().id);
        }
        operation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Toolset, catalogue, define};

    toolset! {
        "toy": "A toolset of this test.";
        tools {
            get_notes(GetAnnotationArgs): "Alarm notes", read core, was "get_annotation";
            list_alarms(ListAlarmsArgs): "List alarms", read;
        }
    }

    #[test]
    fn a_renamed_tool_answers_to_both_names_and_is_listed_by_one() {
        static TOY: Toolset = TOOLSET;
        let [notes, alarms] = TOY.tools else {
            panic!("two tools");
        };
        let notes = define(&TOY, notes);
        assert_eq!(notes.was(), Some("get_annotation"));
        assert!(notes.answers_to("get_notes") && notes.answers_to("get_annotation"));
        assert!(!notes.answers_to("list_alarms"));
        assert_eq!(notes.definition().name, "get_notes");
        let alarms = define(&TOY, alarms);
        assert_eq!(alarms.was(), None);
        assert!(alarms.answers_to("list_alarms") && !alarms.answers_to(""));
    }

    #[test]
    fn no_name_that_a_tool_had_is_the_name_of_another() {
        for tool in catalogue() {
            if let Some(was) = tool.was() {
                let answering = catalogue().iter().filter(|other| other.answers_to(was));
                assert_eq!(answering.count(), 1, "{was}");
            }
        }
    }
}

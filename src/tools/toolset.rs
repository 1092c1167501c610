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

use super::{Access, Flags};
use crate::opmanager::{Client, Error, Incoming, Operation, OperationId};

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

/// One line of a toolset file: an operation decided as a tool.
pub(crate) struct Entry {
    /// Tool name: the operation id in `snake_case`.
    pub(crate) name: &'static str,
    /// Title for people.
    pub(crate) title: &'static str,
    /// Access word.
    pub(crate) access: Access,
    /// What else the line says.
    pub(crate) flags: Flags,
    /// The name that it had until the version before, if it had another.
    pub(crate) was: &'static [&'static str],
    /// The operation.
    pub(crate) operation: OperationId,
    /// Sends it.
    pub(crate) call: Call,
}

/// Sends an operation whose arguments have been checked against its schema, on a fresh connection if the last one is
/// `true`.
pub(crate) type Call =
    for<'a> fn(&'a Client, Value, bool) -> BoxFuture<'a, Result<Incoming<'a>, Error>>;

/// The [`Call`] of an operation.
pub(super) fn call<O: Operation>(
    client: &Client,
    arguments: Value,
    fresh: bool,
) -> BoxFuture<'_, Result<Incoming<'_>, Error>> {
    Box::pin(async move {
        let arguments: O = serde_json::from_value(arguments)
            .map_err(|error| Error::argument("arguments", format!("do not fit: {error}")))?;
        client.send(&arguments, fresh).await
    })
}

macro_rules! toolset {
    (
        $set:literal: $purpose:literal;
        tools { $( $name:ident($arguments:ident): $title:literal, $access:ident $($word:ident)* $(, was $was:literal)?; )* }
        $( hidden { $( $absent:ident: $reason:literal; )* } )?
    ) => {
        /// This toolset.
        pub(super) const TOOLSET: $crate::tools::toolset::Toolset = $crate::tools::toolset::Toolset {
            name: $set,
            purpose: $purpose,
            tools: &[ $( $crate::tools::toolset::Entry {
                name: stringify!($name),
                title: $title,
                access: $crate::tools::toolset::access!($access),
                flags: $crate::tools::Flags::of(&[ $( stringify!($word) ),* ]),
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

/// The access word of an operation; `None` if it is hidden.
pub(super) const fn access_of(operation: OperationId, toolsets: &[Toolset]) -> Option<Access> {
    let mut set = 0;
    while set < toolsets.len() {
        let tools = toolsets[set].tools;
        let mut entry = 0;
        while entry < tools.len() {
            if tools[entry].operation as usize == operation as usize {
                return Some(tools[entry].access);
            }
            entry += 1;
        }
        set += 1;
    }
    None
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
    use super::super::{Tool, catalogue};
    use super::Toolset;

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
        let notes = Tool::of_operation(&TOY, notes);
        assert_eq!(notes.former_name(), Some("get_annotation"));
        assert!(notes.answers_to("get_notes") && notes.answers_to("get_annotation"));
        assert!(!notes.answers_to("list_alarms"));
        assert_eq!(notes.definition().name, "get_notes");
        let alarms = Tool::of_operation(&TOY, alarms);
        assert_eq!(alarms.former_name(), None);
        assert!(alarms.answers_to("list_alarms") && !alarms.answers_to(""));
    }

    #[test]
    fn no_name_that_a_tool_had_is_the_name_of_another() {
        for tool in catalogue() {
            if let Some(was) = tool.former_name() {
                let answering = catalogue().iter().filter(|other| other.answers_to(was));
                assert_eq!(answering.count(), 1, "{was}");
            }
        }
    }
}

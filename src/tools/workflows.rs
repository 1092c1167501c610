//! Workflows: tools that send several operations and answer with one report.
//!
//! Owns the list of them, and what each must say of itself. One file for each; nothing in them sends but through
//! [`Upstream`], and nothing writes words of others but through [`Report`].

pub(crate) mod diagnose_connection;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::report::Report;
use super::toolset::{Toolset, access_of};
use super::{Access, Flags};
use crate::opmanager::{Error, OperationId};
use crate::upstream::{RequestError, Session, Upstream, Uses};

/// A tool that answers with one report over several operations. [`Uses::USES`] says which: any other does not compile.
pub(crate) trait Workflow: Uses {
    /// Its arguments, beside those of the connection. Descriptions of their fields are read by models.
    type Arguments: DeserializeOwned + JsonSchema + Send;

    /// What it does and when to use it. The first paragraph stands in the list of tools.
    const DESCRIPTION: &'static str;

    /// Whether it runs over a target that the policy on targets rejects, to say so itself.
    const TAKES_REJECTED_TARGETS: bool = false;

    /// Runs it. Parts that fail are named in the report ([`Report::missing`]).
    ///
    /// # Errors
    ///
    /// What leaves no report at all, such as no connection.
    fn run(
        upstream: &Upstream<'_, Self>,
        arguments: Self::Arguments,
        report: &mut Report<'_>,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;
}

/// Runs a workflow whose arguments have been checked against its schema.
pub(crate) type Run = for<'a> fn(
    &'a Session<'_>,
    Value,
    &'a mut Report<'_>,
) -> BoxFuture<'a, Result<(), RequestError>>;

/// One line of the list.
pub(crate) struct Entry {
    /// Tool name.
    pub(crate) name: &'static str,
    /// Title for people.
    pub(crate) title: &'static str,
    /// Name of its toolset: an area of the API, or one of its own.
    pub(crate) toolset: &'static str,
    /// Access word.
    pub(crate) access: Access,
    /// What else the line says.
    pub(crate) flags: Flags,
    /// What it does.
    pub(crate) description: &'static str,
    /// The operations that it may send.
    pub(crate) uses: &'static [OperationId],
    /// Whether it runs over a target that the policy rejects.
    pub(crate) takes_rejected_targets: bool,
    /// Schema of its own arguments.
    pub(crate) schema: fn() -> Value,
    /// Runs it.
    pub(crate) run: Run,
}

/// The [`Run`] of a workflow.
fn run<'a, W: Workflow>(
    session: &'a Session<'_>,
    arguments: Value,
    report: &'a mut Report<'_>,
) -> BoxFuture<'a, Result<(), RequestError>> {
    Box::pin(async move {
        let arguments = serde_json::from_value(arguments).map_err(|error| RequestError {
            operation: W::USES[0],
            error: Error::argument("arguments", format!("do not fit: {error}")),
            received: None,
        })?;
        W::run(&session.upstream(), arguments, report).await
    })
}

/// The schema of a workflow's own arguments, in the subset that all clients take: what is optional has the type that it
/// has when it is given, and nothing refers to anything.
fn schema<W: Workflow>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings
        .into_generator()
        .into_root_schema_for::<W::Arguments>();
    let mut schema = schema.to_value();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        let Some(property) = property.as_object_mut() else {
            continue;
        };
        if let Some(Value::Array(either)) = property.remove("anyOf") {
            let given = either.into_iter().find(|one| one["type"] != "null");
            if let Some(Value::Object(given)) = given {
                property.extend(given);
            }
        }
        if let Some(Value::Array(types)) = property.get("type") {
            let given = types.iter().find(|kind| *kind != "null").cloned();
            property.insert("type".to_owned(), given.unwrap_or_default());
        }
        for word in ["format", "default", "title"] {
            property.remove(word);
        }
    }
    schema
}

/// Fails the build unless the access word of each workflow covers every operation that it may send.
pub(super) const fn within_their_access(workflows: &[Entry], toolsets: &[Toolset]) {
    let mut workflow = 0;
    while workflow < workflows.len() {
        let Entry { uses, access, .. } = workflows[workflow];
        let mut operation = 0;
        while operation < uses.len() {
            match access_of(uses[operation], toolsets) {
                Some(needed) if needed.is_within(access) => {}
                // The only text that a constant can print is one it holds: the operation's name.
                _ => panic!("{}", uses[operation].specification().id),
            }
            operation += 1;
        }
        workflow += 1;
    }
}

macro_rules! workflows {
    ($( $name:ident($workflow:path): $title:literal, $toolset:literal, $access:ident $($word:ident)*; )*) => {
        /// All of them, in the order of the list.
        pub(crate) const WORKFLOWS: &[Entry] = &[ $( Entry {
            name: stringify!($name),
            title: $title,
            toolset: $toolset,
            access: crate::tools::toolset::access!($access),
            flags: Flags::of(&[ $( stringify!($word) ),* ]),
            description: <$workflow as Workflow>::DESCRIPTION,
            uses: <$workflow as Uses>::USES,
            takes_rejected_targets: <$workflow as Workflow>::TAKES_REJECTED_TARGETS,
            schema: schema::<$workflow>,
            run: run::<$workflow>,
        } ),* ];
    };
}

workflows! {
    diagnose_connection(diagnose_connection::Diagnosis): "Diagnose a connection", "catalogue", read core;
}

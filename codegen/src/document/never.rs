//! What the document must never describe, whoever documents it.
//!
//! Owns the list and its reasons. An operation that is not described is no tool, is found, described and called by no
//! name, and is sent by nothing.

/// Operations, in OpManager's spelling, and why a model must not reach them, whatever an operator allows.
pub const NEVER: &[(&str, &str)] = &[
    (
        "executeDBQuery",
        "it runs raw SQL: everything that OpManager keeps could be read and changed past every check",
    ),
    (
        "execConfiglet",
        "it writes commands into the configuration of network devices, which can cut off the way back to them",
    ),
    (
        "importConfiglets",
        "it brings in commands that are later run on network devices",
    ),
    (
        "uploadConfigletFile",
        "it brings in commands that are later run on network devices",
    ),
    (
        "uploadConfigletPreView",
        "it brings in commands that are later run on network devices",
    ),
    (
        "addWorkflow",
        "a workflow may hold any script, run as the account of OpManager's service",
    ),
    (
        "updateWorkflow",
        "it would put another script into a workflow that an operator permits by its name",
    ),
    (
        "testNewScriptTemplate",
        "it runs a script that comes with the call, as the account of OpManager's service",
    ),
    (
        "addUser",
        "it makes an account, and takes its password as an argument",
    ),
    ("deleteUser", "it locks people out"),
    ("listUsers", "accounts are of use to whoever attacks them"),
    (
        "changePassword",
        "it locks people out, and takes a password as an argument",
    ),
    (
        "updateContactDetails",
        "it changes where an account's mail goes, by which a password can be reset",
    ),
    ("addDomain", "it changes who may sign in"),
    ("deleteDomain", "it locks people out"),
    (
        "getCredentialDetails",
        "its answer holds what devices are signed in to with",
    ),
    (
        "addSNMPV1Credential",
        "it takes a secret of devices as an argument",
    ),
    (
        "addLinuxCredential",
        "it takes a password of devices as an argument",
    ),
    ("importSSHKey", "it takes a key of devices as an argument"),
    (
        "addDHCPServer",
        "it signs in to a server with a password that comes as an argument",
    ),
];

/// Why an operation of that name is never described; whatever the case of its letters.
pub(crate) fn reason(name: &str) -> Option<&'static str> {
    let found = NEVER
        .iter()
        .find(|(never, _)| never.eq_ignore_ascii_case(name));
    found.map(|(_, reason)| *reason)
}

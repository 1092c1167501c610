//! The rule of what of an answer may be seen.

use serde_json::Value;

use super::{Lint, strings};

impl Lint {
    /// The members that alone are kept of an answer.
    pub(super) fn only_members(&mut self, operation: &Value) -> Vec<String> {
        let Some(stated) = operation.get("x-only-members") else {
            return Vec::new();
        };
        let members = strings(stated).filter(|members| !members.is_empty());
        let Some(members) = members else {
            self.defect(
                "its x-only-members is no list of names",
                "write the members that may be seen, or remove it",
            );
            return Vec::new();
        };
        if operation.get("x-list").is_some() || operation.get("x-bare-message").is_some() {
            self.defect(
                "it has x-only-members beside x-list or x-bare-message",
                "remove these: what is kept is a bare list",
            );
        }
        members
    }
}

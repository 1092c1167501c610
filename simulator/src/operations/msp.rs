//! What only an MSP Central has: its customers.
//!
//! Owns the answers of the MSP tag.

use serde_json::json;

use super::{Answer, Handlers, ok};
use crate::{checks::Arguments, state::State, variant::central};

pub(super) const HANDLERS: Handlers = &[("listCustomerNames", customers, &[])];

/// Third party: a list. Inferred: the names of its members.
fn customers(_: &mut State, _: &Arguments) -> Answer {
    let customers = central::CUSTOMERS.iter();
    ok(customers
        .map(|customer| json!({ "customerId": customer.id.to_string(), "customerName": customer.name }))
        .collect())
}

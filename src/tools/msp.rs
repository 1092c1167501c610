//! Toolset `msp`. What only an MSP Central has; offered with `--msp` alone.

use super::toolset::toolset;

toolset! {
    "msp": "Customers of an MSP Central.";
    tools {
        list_customers(ListCustomerNamesArgs): "Customers", read, was "list_customer_names";
    }
}

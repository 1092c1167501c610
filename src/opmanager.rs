//! A typed client of OpManager's REST API, generated from the OpenAPI document.
//!
//! Owns where a call goes ([`Connection`]), how its certificate is checked, the API key, the request and
//! the answer's verdict. Knows no MCP: it is usable as a library of its own.
//!
//! ```no_run
//! use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, types::ListAlarmsArgs};
//!
//! # async fn example() -> Result<(), opmanager_mcp_server::opmanager::Error> {
//! let key = ApiKey::new("the-key-of-a-read-only-account".to_owned())?;
//! let client = Client::new(Http::default(), Connection::new("opmanager.example", key)?);
//! let critical = ListAlarmsArgs { severity: Some(1.try_into()?), ..Default::default() };
//! for alarm in client.call(&critical).await? {
//!     println!("{:?}: {:?}", alarm.display_name, alarm.message);
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod body;
mod budget;
mod client;
mod connection;
mod error;
mod generated;
mod http;
mod key;
mod memory;
mod operation;
mod policy;
mod pool;
mod probe;
mod resolver;
mod scalar;
mod target;
mod tls;
mod wire;
mod zone;

pub use crate::result::{Answer, Failure};
pub use budget::{NotAShare, RateShare};
pub use client::{Client, RawResponse};
pub use connection::{Connection, Scope, Trust};
pub use error::Error;
pub use generated::{OperationId, types};
pub use http::{Egress, Http, Limits};
pub use key::ApiKey;
pub use operation::{Basis, Operation, Origin, RateLimit, Specification};
pub use policy::{AllowedTarget, Pin, Profile, TargetPolicy};
pub use reqwest::Url;
pub use scalar::{Bounded, Flag, Integer, Number, OutOfBounds, Text};
pub use target::{Host, Target};
pub use tls::ShownCertificate;
pub use zone::Zone;

pub(crate) use budget::{Event as RateEvent, Place};
pub(crate) use client::{Call, Head, Incoming, SendResult, plan_of};
pub(crate) use connection::redacted;
pub(crate) use error::is_throttle_code;
pub(crate) use http::LARGEST_SHARE;
pub(crate) use pool::MOST_IDLE;
pub(crate) use probe::{Admittance, Handshake};
pub(crate) use tls::Certificate;

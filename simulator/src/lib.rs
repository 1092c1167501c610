//! A simulator of OpManager that answers in the documented shapes. It is not evidence of how a real OpManager behaves.
//!
//! It serves every operation of `openapi/opmanager.yaml` over real HTTP or HTTPS from a simulated network: a small one, or
//! a [`fleet`] whose troubles have one true explanation each. Writes change what later reads return, requests are checked
//! against the document, and faults can be injected. A [`Variant`] answers as other builds do. Where the vendor's
//! documentation is silent the code says `Inferred:`.
//!
//! Owns the simulator. Knows nothing of the client, the tools and the MCP server that are tested with it.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! use opmanager_simulator::{Fault, FaultKind, Options, Simulator};
//!
//! let simulator = Simulator::start(Options::default()).await?;
//! simulator.inject(Fault::once(FaultKind::LoginPage).on("listAlarms"));
//! assert!(simulator.requests().is_empty());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]

mod body;
mod checks;
mod clock;
mod contract;
mod faults;
pub mod fleet;
mod limits;
mod log;
mod operations;
mod options;
mod random;
mod server;
mod state;
mod tls;
mod variant;

pub use contract::{Kind, Operation, Parameter, Place, RateLimit, contract, response_schemas};
pub use faults::{Fault, FaultKind};
pub use limits::{CountBy, Throttle, Window};
pub use log::{Log, Recorded};
pub use operations::example_arguments;
pub use options::Options;
pub use server::Simulator;
pub use tls::{Certificate, Tls, Validity};
pub use variant::{UnknownName, Variant};

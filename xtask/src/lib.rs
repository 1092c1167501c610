//! What maintainers do: run the gate, record what follows from the code, take in the vendor's API, bring the curated
//! document up to it, and review what changed for users.
//!
//! Knows the curated document by way of `opmanager-codegen` and the tools by the text of `src/tools/`; does
//! not depend on the server crate, so that it still runs when a change has broken the server's build.

pub mod apply;
pub mod captured;
pub mod ci;
pub mod commits;
pub mod coverage;
pub mod curated;
pub mod diff;
pub mod facts;
pub mod import;
pub mod record;
pub mod regenerate;
pub mod report;
pub mod review;
pub mod summary;
pub mod surface;

use std::path::Path;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read or written.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A document of the vendor that is not understood. Nothing was written.
    #[error("{path}: {broken}\nnothing was written")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong, where, and what to do.
        broken: import::Broken,
    },
    /// A curated document that cannot be changed as intended. Nothing was written.
    #[error("openapi/opmanager.yaml: {0}\nnothing was written")]
    Apply(String),
    /// A command that failed.
    #[error("{0}")]
    Command(String),
}

impl Error {
    fn file(path: &Path, problem: impl std::fmt::Display) -> Self {
        Self::File {
            path: path.display().to_string(),
            problem: problem.to_string(),
        }
    }
}

//! Turns the curated OpenAPI document into Rust: the typed client, one argument type per operation
//! with its JSON schema, and the table of operations.
//!
//! Owns the reading and linting of the document and the shape of the generated code. Knows nothing of
//! MCP, of the network, or of the server crate, so that it still runs when a new document has broken
//! the server's build.

mod answer;
mod client;
pub mod document;
mod operations;
mod schema;

use document::{Defects, Document};

/// Why no code could be generated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document breaks rules of this project; every broken rule is named.
    #[error(transparent)]
    Defects(#[from] Defects),
    /// The document passed our lint and the client generator still refused it.
    #[error("the client generator refused the document: {0}")]
    Generator(String),
}

/// Generates the Rust source of the client, the types and the operation table from the text of an
/// OpenAPI 3.0 document in YAML.
///
/// # Errors
///
/// All defects of the document at once, each naming the operation and the fix.
pub fn generate(yaml: &str) -> Result<String, Error> {
    let document = Document::parse(yaml)?;
    let client = client::generate(&document)?;
    let operations = operations::generate(&document);
    let file = syn::parse2(quote::quote! { #client #operations })
        .map_err(|error| Error::Generator(error.to_string()))?;
    Ok(prettyplease::unparse(&file))
}

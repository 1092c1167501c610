//! Integration tests of the code generator: what the lint refuses, what the generator writes, and that
//! the real document passes both.

mod curated;
mod generation;
mod lint;
mod source;

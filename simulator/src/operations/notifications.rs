//! Draft.

pub(super) const HANDLERS: super::Handlers = &[];

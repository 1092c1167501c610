//! Everything that a call needs beside its operation's arguments.

use super::{ApiKey, Error, Target};
use crate::foreign::Gate;

/// How a caller wants the server's certificate checked. An operator's pin or policy decides over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trust {
    /// Against the system's certificate authorities, name and validity included.
    #[default]
    Verified,
    /// Not at all. The connection is private against nobody who can intercept it.
    Unverified,
}

/// Which part of an MSP Central a call is about. What is `None` is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// `selCustomerID`: the number of a customer, or -1 for all.
    pub customer: Option<i64>,
    /// `regionID`: the number of a region, or -1 for all.
    pub region: Option<i64>,
}

impl Scope {
    /// The parameters that say it. Documented for an MSP Central, for every operation, read or write.
    pub(crate) fn parameters(self) -> impl Iterator<Item = (&'static str, i64)> {
        let all = [("selCustomerID", self.customer), ("regionID", self.region)];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// The text without the key and the target that a reader must not learn: `Some` if there was one in it.
pub(crate) fn redacted(
    key: Option<&ApiKey>,
    hidden: Option<&Target>,
    text: &str,
) -> Option<String> {
    let harmless = key.and_then(|key| key.redact(text));
    let shown = harmless.as_deref().unwrap_or(text);
    let unnamed = hidden.and_then(|target| target.cut_out_of(shown));
    unnamed.or(harmless)
}

/// Everything a call needs beside its operation's arguments.
pub struct Connection {
    pub(super) target: Target,
    pub(super) trust: Trust,
    pub(super) key: ApiKey,
    pub(super) scope: Scope,
    /// Whether texts may name the target.
    names_target: bool,
}

impl Connection {
    /// A verified connection to `host`: a name, `name:port`, an IPv4 address or `[IPv6]`, both with
    /// optional port. Without a port it is 8061; every port but 8060 and 80 speaks HTTPS.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] naming `host` if it is anything else.
    pub fn new(host: &str, key: ApiKey) -> Result<Self, Error> {
        Ok(Self::with(
            Target::parse(host, None, None)?,
            Trust::Verified,
            key,
        ))
    }

    /// A connection to an already checked target.
    pub fn with(target: Target, trust: Trust, key: ApiKey) -> Self {
        Self {
            target,
            trust,
            key,
            scope: Scope::default(),
            names_target: true,
        }
    }

    /// The same for a part of an MSP Central. Any other server may refuse to be told one.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The same for a caller who must not learn the target: it is cut out of what others say of a failure.
    #[must_use]
    pub(crate) fn unnamed(self) -> Self {
        Self {
            names_target: false,
            ..self
        }
    }

    /// What `tell` makes of words of others, behind a gate that lets no key out.
    pub(crate) fn through_gate<T>(&self, tell: impl FnOnce(Gate<'_>) -> T) -> T {
        let hidden = (!self.names_target).then_some(&self.target);
        tell(Gate::new(&|text| redacted(Some(&self.key), hidden, text)))
    }

    /// Where it goes.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How the certificate is checked.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// Which part of an MSP Central it is about.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The key.
    pub fn key(&self) -> &ApiKey {
        &self.key
    }
}

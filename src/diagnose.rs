//! A connection examined step by step: what works, what fails first, and what to do about it.
//!
//! Owns the order and the words of the report. Goes only where a call would go, by the same policy, and
//! sends the key only in the one request of the last step, on a connection that a call would use too.

use std::fmt;

use crate::opmanager::types::GetDownDevicesArgs;
use crate::opmanager::{
    Admittance, ApiKey, Client, Connection, Error, Handshake, Http, Operation, Profile,
    Specification, Target, Trust,
};
use crate::tools::{Access, outcome};

/// The request of the last step. It changes nothing, needs no argument, exists in every edition, and names
/// only what is down: mostly a short answer. (The list of probes would be shorter still, but a Central alone
/// has one.)
type Question = GetDownDevicesArgs;

/// What was found.
pub(crate) struct Report {
    steps: Vec<Step>,
    advice: Vec<String>,
    /// How a call goes the way that was found to work.
    usage: Option<String>,
}

struct Step {
    name: &'static str,
    failed: bool,
    text: String,
}

impl Report {
    /// Whether every step worked.
    pub(crate) fn is_good(&self) -> bool {
        self.steps.iter().all(|step| !step.failed)
    }

    /// The report for those whose calls take no connection.
    pub(crate) fn without_usage(&self) -> String {
        let lines: Vec<String> = self.lines().collect();
        lines.join("\n")
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let steps = self.steps.iter().map(|step| {
            let word = if step.failed { "failed" } else { "ok" };
            format!("{word:<7} {:<12} {}", step.name, step.text)
        });
        steps.chain(self.advice.iter().cloned())
    }

    fn ok(&mut self, name: &'static str, text: impl Into<String>) {
        self.step(name, false, text.into());
    }

    fn failed(&mut self, name: &'static str, text: impl Into<String>) {
        self.step(name, true, text.into());
    }

    fn step(&mut self, name: &'static str, failed: bool, text: String) {
        self.steps.push(Step { name, failed, text });
    }
}

/// A line for each step, then what follows from them.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines().chain(self.usage.clone()).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Examines a connection. Without a key it ends before the request.
pub(crate) async fn diagnose(
    http: &Http,
    target: Target,
    trust: Trust,
    key: Option<ApiKey>,
) -> Report {
    let mut report = Report {
        steps: Vec::new(),
        advice: Vec::new(),
        usage: None,
    };
    let Ok(profile) = reach(http, &target, trust, &mut report).await else {
        return report;
    };
    if let Some(key) = key {
        let connection = Connection::with(target.clone(), trust, key);
        ask(http, connection, &mut report).await;
    } else {
        report
            .advice
            .push("No key was given: nothing was asked of the server.".to_owned());
    }
    if report.is_good() {
        report.usage = Some(format!(
            "In a call: {} and the key as `apiKey`.",
            arguments(&target, profile)
        ));
    }
    report
}

/// A step failed, and those after it make no sense.
struct Stopped;

/// The steps before the request.
async fn reach(
    http: &Http,
    target: &Target,
    trust: Trust,
    report: &mut Report,
) -> Result<Profile, Stopped> {
    let admittance = match http.probe(target, trust) {
        Ok(admittance) => admittance,
        Err(error) => {
            report.failed("target", words(&error, target));
            return Err(Stopped);
        }
    };
    let profile = admittance.profile();
    report.ok(
        "target",
        match (target.tls(), profile) {
            (false, _) => format!(
                "{target} is allowed, over plain HTTP: key and answers can be read on the way"
            ),
            (true, Profile::Verified) => {
                format!("{target} is allowed, over HTTPS with a certificate of a trusted authority")
            }
            (true, Profile::Pinned(_)) => {
                format!("{target} is allowed, over HTTPS with the pinned certificate")
            }
            (true, Profile::Unverified) => {
                format!("{target} is allowed, over HTTPS with any certificate, whosever it is")
            }
        },
    );
    if admittance.has_proxy() {
        report.ok(
            "proxy",
            "looks the name up and connects; which addresses it uses cannot be seen from here",
        );
        return Ok(profile);
    }
    connect(admittance, target, report).await?;
    Ok(profile)
}

async fn connect(
    admittance: Admittance,
    target: &Target,
    report: &mut Report,
) -> Result<(), Stopped> {
    let profile = admittance.profile();
    let resolved = admittance.resolve().await.map_err(|error| {
        report.failed("address", words(&error, target));
        Stopped
    })?;
    let mut addresses: Vec<String> = Vec::new();
    for address in resolved.addresses() {
        let address = address.to_string();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    report.ok("address", format!("{}, allowed", addresses.join(", ")));
    let connected = resolved.connect().await.map_err(|error| {
        report.failed("connection", words(&error, target));
        Stopped
    })?;
    report.ok(
        "connection",
        format!(
            "{} accepts connections on port {}",
            connected.address(),
            target.port()
        ),
    );
    if !target.tls() {
        return Ok(());
    }
    match connected.handshake().await {
        Ok(Handshake::Accepted(certificate)) => {
            let pin = format!("--pin-sha256 {target}={}", certificate.sha256);
            report.ok(
                "certificate",
                match profile {
                    Profile::Verified => format!("is trusted; it is {certificate}"),
                    Profile::Pinned(_) => format!("is the pinned one; it is {certificate}"),
                    Profile::Unverified => format!("was not checked; it is {certificate}"),
                },
            );
            match profile {
                Profile::Verified => {}
                Profile::Pinned(_) => report.advice.push(format!("The server needs: {pin}")),
                Profile::Unverified => report.advice.push(format!(
                    "Better than `verify_ssl: false`: compare the SHA-256 on the OpManager machine, and start the server with {pin}"
                )),
            }
            Ok(())
        }
        Ok(Handshake::Refused {
            certificate,
            reason,
        }) => {
            report.failed(
                "certificate",
                format!(
                    "{reason}; it is {certificate}. Compare its SHA-256 with that of the certificate on the OpManager machine; nothing was sent"
                ),
            );
            report.advice.push(match profile {
                Profile::Pinned(_) => format!(
                    "If OpManager's certificate was replaced, and the SHA-256 is the same there, the server needs: --pin-sha256 {target}={}",
                    certificate.sha256
                ),
                _ => format!(
                    "If it is the same, the server needs: --pin-sha256 {target}={}\nIf an authority of your own has issued it for this name: --ca-file FILE, with the authority's certificate",
                    certificate.sha256
                ),
            });
            Err(Stopped)
        }
        Ok(Handshake::Failed(reason)) => {
            report.failed(
                "certificate",
                format!(
                    "none was met: {reason}. If this port speaks plain HTTP, give OpManager's HTTPS port (usually 8061), or `use_ssl: false` where nobody can listen"
                ),
            );
            Err(Stopped)
        }
        Err(error) => {
            report.failed("certificate", words(&error, target));
            Err(Stopped)
        }
    }
}

/// The request.
async fn ask(http: &Http, connection: Connection, report: &mut Report) {
    let client = Client::new(http.clone(), connection);
    let (target, key) = (client.connection().target(), client.connection().key());
    let harmless = |text: String| key.redact(&text).unwrap_or(text);
    let raw = match client.call_raw(&Question::default()).await {
        Ok(raw) => raw,
        Err(error) => return report.failed("answer", harmless(words(&error, target))),
    };
    let came = format!("HTTP {}, {} bytes", raw.status, raw.body.len());
    match raw.judge().map_err(|failure| client.redact(failure)) {
        Ok(_) => {
            report.ok("answer", format!("{came}, JSON"));
            report.ok(
                "key",
                format!(
                    "is accepted, and REST API access is on: {} was answered",
                    question().id
                ),
            );
        }
        Err(failure) => {
            let blamed = outcome::blames_key(&failure);
            let text = harmless(words(&failure.into(), target));
            if blamed {
                report.ok("answer", came);
                report.failed("key", text);
            } else {
                report.failed("answer", text);
            }
        }
    }
}

fn question() -> &'static Specification {
    Question::ID.specification()
}

/// What a failed call would say, in one line.
fn words(error: &Error, target: &Target) -> String {
    let text = outcome::failure(error, question(), Access::Read, target);
    let lines: Vec<&str> = text.lines().collect();
    lines.join(" ")
}

/// The arguments of a call to the target, the key left out.
fn arguments(target: &Target, profile: Profile) -> String {
    let host = target.to_string();
    let assumed = Target::parse(&host, None, None).is_ok_and(|assumed| assumed == *target);
    let mut arguments = serde_json::json!({ "host": host });
    if !assumed {
        arguments["use_ssl"] = target.tls().into();
    }
    if profile == Profile::Unverified {
        arguments["verify_ssl"] = false.into();
    }
    arguments.to_string()
}

//! `diagnose_connection`: what of a connection works, what fails first, and what to do about it.
//!
//! Owns the order of the steps and the words about each. Goes only where a call would go, by the same policy, and
//! sends the key only in the requests of the last steps, on a connection that a call would use too.

mod build;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::foreign::{Gate, Told};
use crate::opmanager::types::{GetDownDevicesArgs, ListDevicesArgs};
use crate::opmanager::{
    Admittance, Error, Handshake, Http, Operation, OperationId, Profile, Specification, Target,
    Trust, redacted,
};
use crate::tools::Access;
use crate::tools::failure_text::{self, UNUSABLE, Way};
use crate::tools::report::Report;
use crate::tools::wording::Wording;
use crate::tools::workflows::Workflow;
use crate::upstream::{Judged, Received, RequestError, Upstream, Uses};

/// The request that tells whether calls work. It changes nothing, needs no argument, exists in every edition, and names
/// only what is down: mostly a short answer. (The list of probes would be shorter still, but a Central alone
/// has one.)
type Question = GetDownDevicesArgs;

/// The workflow.
pub(crate) struct Diagnosis;

/// It takes nothing but a connection.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NoArguments {}

impl Uses for Diagnosis {
    const USES: &'static [OperationId] = &[Question::ID, ListDevicesArgs::ID];
}

impl Workflow for Diagnosis {
    type Arguments = NoArguments;

    const DESCRIPTION: &'static str = "Examines step by step why calls to an OpManager fail: target, certificate, key. Use it after a connection, TLS or key error.";
    const TAKES_REJECTED_TARGETS: bool = true;

    async fn run(
        upstream: &Upstream<'_, Self>,
        _: NoArguments,
        report: &mut Report<'_>,
    ) -> Result<(), RequestError> {
        let findings = examine(upstream, report.wording()).await;
        report.lines(findings.text(), findings.is_spoken(), findings.is_good());
        Ok(())
    }
}

/// What was found.
#[derive(Default)]
pub(crate) struct Findings {
    steps: Vec<Step>,
    advice: Vec<String>,
    /// Whether words of others are repeated.
    spoken: bool,
}

struct Step {
    name: &'static str,
    failed: bool,
    text: String,
}

/// What is examined, and for whom.
struct Subject<'a> {
    target: &'a Target,
    wording: Wording,
    gate: Gate<'a>,
}

impl Findings {
    /// Whether every step worked.
    pub(crate) fn is_good(&self) -> bool {
        self.steps.iter().all(|step| !step.failed)
    }

    /// Whether it repeats words of others, so that a reader must be told that they are data.
    pub(crate) fn is_spoken(&self) -> bool {
        self.spoken
    }

    /// A line for each step, then what follows from them.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for Step {
            name,
            failed,
            text: what,
        } in &self.steps
        {
            let word = if *failed { "failed" } else { "ok" };
            let _ = writeln!(text, "{word:<7} {name:<12} {what}");
        }
        for line in &self.advice {
            let _ = writeln!(text, "{line}");
        }
        text.truncate(text.trim_end().len());
        text
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

    /// How a call gives this connection.
    fn advise_arguments(&mut self, target: &Target, profile: Profile) {
        if self.is_good() {
            self.advice.push(format!(
                "In a call: {} and the key as `apiKey`.",
                arguments(target, profile)
            ));
        }
    }

    /// A step that failed, in the words of a failed call.
    fn error(&mut self, name: &'static str, error: &Error, subject: &Subject<'_>) {
        self.spoken |= error.is_spoken();
        // No certificate is refused in these steps without a finding of its own.
        let way = Way::of(subject.target, None);
        self.failed(name, words(error, way, subject.wording));
    }
}

/// Examines a connection.
pub(crate) async fn examine(upstream: &Upstream<'_, Diagnosis>, wording: Wording) -> Findings {
    let mut findings = Findings::default();
    let connection = upstream.connection();
    let target = connection.target();
    // What a server shows before it knows the key may hold it all the same.
    let hidden = (!wording.names_target()).then_some(target);
    let redact = |text: &str| redacted(Some(connection.key()), hidden, text);
    let subject = Subject {
        target,
        wording,
        gate: Gate::new(&redact),
    };
    let Ok(profile) = reach(upstream.probe(), &subject, &mut findings).await else {
        return findings;
    };
    ask(upstream, wording, profile, &mut findings).await;
    // Headers that have just worked need no advice.
    if findings.is_good() && wording.names_target() {
        findings.advise_arguments(target, profile);
    }
    findings
}

/// Examines a connection as far as that is possible without a key: nothing is asked of the server.
pub(crate) async fn examine_without_key(http: &Http, target: &Target, trust: Trust) -> Findings {
    let mut findings = Findings::default();
    let subject = Subject {
        target,
        wording: Wording::Arguments,
        gate: Gate::new(&|_| None),
    };
    let reached = reach(http.probe(target, trust), &subject, &mut findings).await;
    if let Ok(profile) = reached {
        findings
            .advice
            .push("No key was given: nothing was asked of the server.".to_owned());
        findings.advise_arguments(target, profile);
    }
    findings
}

/// A step failed, and those after it make no sense.
struct Stopped;

/// The steps before the request.
async fn reach(
    probe: Result<Admittance, Error>,
    subject: &Subject<'_>,
    findings: &mut Findings,
) -> Result<Profile, Stopped> {
    let target = subject.target;
    let admittance = match probe {
        Ok(admittance) => admittance,
        Err(error) => {
            findings.error("target", &error, subject);
            return Err(Stopped);
        }
    };
    let profile = admittance.profile();
    let name = subject.name();
    findings.ok(
        "target",
        match (target.tls(), profile) {
            (false, _) => format!(
                "{name} is allowed, over plain HTTP: key and answers can be read on the way"
            ),
            (true, Profile::Verified) => {
                format!("{name} is allowed, over HTTPS with a certificate of a trusted authority")
            }
            (true, Profile::Pinned(_)) => {
                format!("{name} is allowed, over HTTPS with the pinned certificate")
            }
            (true, Profile::Unverified) => {
                format!("{name} is allowed, over HTTPS with any certificate, whosever it is")
            }
        },
    );
    if admittance.has_proxy() {
        findings.ok(
            "proxy",
            "looks the name up and connects; which addresses it uses cannot be seen from here",
        );
        return Ok(profile);
    }
    connect(admittance, subject, findings).await?;
    Ok(profile)
}

impl Subject<'_> {
    /// The target, where the reader may know it.
    fn name(&self) -> String {
        if self.wording.names_target() {
            self.target.to_string()
        } else {
            "the target".to_owned()
        }
    }

    /// The flag that pins a certificate of the target.
    fn pin(&self, sha256: &str) -> String {
        if self.wording.names_target() {
            format!("--pin-sha256 {}={sha256}", self.target)
        } else {
            format!("--pin-sha256 HOST:PORT={sha256}")
        }
    }
}

async fn connect(
    admittance: Admittance,
    subject: &Subject<'_>,
    findings: &mut Findings,
) -> Result<(), Stopped> {
    let profile = admittance.profile();
    let resolved = admittance.resolve().await.map_err(|error| {
        findings.error("address", &error, subject);
        Stopped
    })?;
    let mut addresses: Vec<String> = Vec::new();
    for address in resolved.addresses() {
        let address = address.to_string();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let named = subject.wording.names_target();
    if named {
        findings.ok("address", format!("{}, allowed", addresses.join(", ")));
    } else {
        findings.ok("address", format!("{} found, allowed", addresses.len()));
    }
    let connected = resolved.connect().await.map_err(|error| {
        findings.error("connection", &error, subject);
        Stopped
    })?;
    if named {
        let (address, port) = (connected.address(), subject.target.port());
        findings.ok(
            "connection",
            format!("{address} accepts connections on port {port}"),
        );
    } else {
        findings.ok("connection", "is accepted");
    }
    if !subject.target.tls() {
        return Ok(());
    }
    let shown = |certificate: &crate::opmanager::Certificate| {
        let certificate = certificate.tell(subject.gate);
        if named {
            (certificate.is_spoken(), certificate.to_string())
        } else {
            (false, format!("one {}", certificate.without_names()))
        }
    };
    match connected.handshake().await {
        Ok(Handshake::Accepted(certificate)) => {
            let pin = subject.pin(&certificate.sha256);
            let (spoken, certificate) = shown(&certificate);
            findings.spoken |= spoken;
            findings.ok(
                "certificate",
                match profile {
                    Profile::Verified => format!("is trusted; it is {certificate}"),
                    Profile::Pinned(_) => format!("is the pinned one; it is {certificate}"),
                    Profile::Unverified => format!("was not checked; it is {certificate}"),
                },
            );
            match profile {
                Profile::Verified => {}
                Profile::Pinned(_) => findings.advice.push(format!("The server needs: {pin}")),
                Profile::Unverified => findings.advice.push(format!(
                    "Better than {}: compare the SHA-256 on the OpManager machine, and start the server with {pin}",
                    subject.wording.setting("verify_ssl", "false")
                )),
            }
            Ok(())
        }
        Ok(Handshake::Refused {
            certificate,
            reason,
            unusable,
        }) => {
            let pin = subject.pin(&certificate.sha256);
            let (spoken, certificate) = shown(&certificate);
            let reason = reason.tell(subject.gate);
            findings.spoken |= spoken || reason.is_spoken();
            if unusable {
                let text = format!("{reason}; it is {certificate}. {UNUSABLE}");
                findings.failed("certificate", text);
                return Err(Stopped);
            }
            findings.failed(
                "certificate",
                format!(
                    "{reason}; it is {certificate}. Compare its SHA-256 with that of the certificate on the OpManager machine; nothing was sent"
                ),
            );
            findings.advice.push(match profile {
                Profile::Pinned(_) => format!(
                    "If OpManager's certificate was replaced, and the SHA-256 is the same there, the server needs: {pin}"
                ),
                Profile::Verified | Profile::Unverified => format!(
                    "If it is the same, the server needs: {pin}\nIf an authority of your own has issued it for this name: --ca-file FILE, with the authority's certificate"
                ),
            });
            Err(Stopped)
        }
        Ok(Handshake::Failed(reason)) => {
            let reason: Told = reason.tell(subject.gate);
            findings.spoken |= reason.is_spoken();
            findings.failed(
                "certificate",
                format!(
                    "none was met: {reason}. If this port speaks plain HTTP, give OpManager's HTTPS port (usually 8061), or {} where nobody can listen",
                    subject.wording.setting("use_ssl", "false")
                ),
            );
            Err(Stopped)
        }
        Err(error) => {
            findings.error("certificate", &error, subject);
            Err(Stopped)
        }
    }
}

/// The request.
async fn ask(
    upstream: &Upstream<'_, Diagnosis>,
    wording: Wording,
    profile: Profile,
    findings: &mut Findings,
) {
    let target = upstream.connection().target();
    let asked = upstream.read(&Question::default(), Judged).await;
    let failed = match asked {
        Ok(Received { status, bytes, .. }) => {
            findings.ok("answer", format!("HTTP {status}, {bytes} bytes, JSON"));
            findings.ok(
                "key",
                format!(
                    "is accepted, and REST API access is on: {} was answered",
                    question().id
                ),
            );
            findings.ok("build", build::learn(upstream).await);
            return;
        }
        Err(failed) => failed,
    };
    findings.spoken |= failed.error.is_spoken();
    let text = words(&failed.error, Way::of(target, Some(profile)), wording);
    match failed.received {
        Some(Received { status, bytes }) if failure_text::blames_key(&failed.error) => {
            findings.ok("answer", format!("HTTP {status}, {bytes} bytes"));
            findings.failed("key", text);
        }
        _ => findings.failed("answer", text),
    }
}

fn question() -> &'static Specification {
    Question::ID.specification()
}

/// What a failed call would say, in one line.
fn words(error: &Error, way: Way, wording: Wording) -> String {
    let text = failure_text::failure(error, (question(), &[]), Access::Read, way, wording);
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

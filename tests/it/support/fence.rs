//! A server between an OpManager and an attacker's machine, with a key that nobody else may see: what the tests of
//! targets, trust and egress share.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use opmanager_simulator::{Options, Simulator, Tls};
use serde_json::{Value, json};

use crate::TRANSPORT;
use crate::support::{PROGRAM, Reply, Session, merge};

/// The key of every call.
pub(crate) const KEY: &str = "zq7SENTINELk9Xw2";

/// A session, and the two ends that a call could reach.
pub(crate) struct Fence {
    pub(crate) session: Session,
    /// Where calls should go.
    pub(crate) inside: Simulator,
    /// Where none may.
    pub(crate) elsewhere: Simulator,
}

/// A simulator that takes [`KEY`].
pub(crate) async fn opmanager(tls: Tls) -> Simulator {
    opmanager_at(Ipv4Addr::LOCALHOST.into(), 0, tls).await
}

pub(crate) async fn opmanager_at(address: IpAddr, port: u16, tls: Tls) -> Simulator {
    let options = Options {
        address,
        port,
        tls,
        api_key: KEY.to_owned(),
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

/// An address of this machine that nobody else uses, so that even OpManager's usual ports are free on it.
#[cfg(target_os = "linux")]
pub(crate) fn own_address() -> Ipv4Addr {
    use std::sync::atomic::{AtomicU8, Ordering};
    static LAST: AtomicU8 = AtomicU8::new(0);
    let [high, low, ..] = std::process::id().to_le_bytes();
    Ipv4Addr::new(127, high | 1, low, LAST.fetch_add(1, Ordering::Relaxed) + 1)
}

/// A file of this content, for a flag. Only its owner can read it.
pub(crate) fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    path.into_os_string().into_string().unwrap()
}

/// The certificate of a simulator's authority as a file.
pub(crate) fn authority(name: &str, simulator: &Simulator) -> String {
    file(name, simulator.ca_pem().unwrap())
}

/// Fails unless the program ends at once with exit code 2 and names the flag.
pub(crate) fn check_refused_flag(flag: &str, value: &str) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(PROGRAM)
        .args(TRANSPORT.arguments())
        .args([flag, value])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(2), "{flag} {value:?}: {text}");
    assert!(text.contains(flag), "{flag} {value:?}: {text}");
    assert!(stdout.is_empty(), "{flag} {value:?}");
}

/// Fails if the text holds the key.
pub(crate) fn check_no_key(what: &str, text: &str) {
    assert!(
        !text.to_lowercase().contains(&KEY.to_lowercase()),
        "{what}: {text}"
    );
}

impl Fence {
    pub(crate) async fn new(flags: &[&str]) -> Self {
        Self::around(opmanager(Tls::None).await, flags).await
    }

    /// The same with another OpManager.
    pub(crate) async fn around(inside: Simulator, flags: &[&str]) -> Self {
        let elsewhere = Simulator::start(Options::default()).await.unwrap();
        let session = Session::start(&[&["--log-level", "trace"], flags].concat()).await;
        Self {
            session,
            inside,
            elsewhere,
        }
    }

    /// Calls a tool that reads at the inside, with these arguments over the usual ones.
    pub(crate) async fn call(&mut self, more: Value) -> Reply {
        let mut given = json!({ "host": self.inside.host(), "apiKey": KEY });
        if self.inside.certificate_pem().is_none() {
            given["use_ssl"] = false.into();
        }
        let reply = self
            .session
            .call("list_devices", merge(given, more.clone()))
            .await;
        check_no_key(&more.to_string(), &reply.result.to_string());
        self.session.ping().await;
        reply
    }

    /// Fails unless the call succeeds.
    pub(crate) async fn works(&mut self, more: Value) -> Reply {
        let reply = self.call(more.clone()).await;
        assert!(!reply.failed, "{more}: {}", reply.text());
        assert!(reply.text().contains("core-sw-01"), "{more}");
        reply
    }

    /// Fails unless the call is refused for exactly this argument, and nobody is connected to.
    pub(crate) async fn refused(&mut self, more: Value, argument: &str) -> String {
        let before = self.inside.connections();
        let reply = self.call(more.clone()).await;
        assert!(reply.failed, "{more}: {reply:?}");
        assert_eq!(reply.texts.len(), 1, "{more}");
        let text = reply.text();
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some("Invalid arguments for `list_devices`; nothing was sent."),
            "{more}"
        );
        let blamed: BTreeSet<_> = lines
            .map(|line| line.split('`').nth(1).unwrap_or_default())
            .collect();
        assert_eq!(blamed, BTreeSet::from([argument]), "{more}: {text}");
        assert_eq!(self.inside.connections(), before, "{more}");
        text.to_owned()
    }

    /// Fails unless the call is refused when its name is looked up, and nobody is connected to.
    pub(crate) async fn refused_by_resolver(&mut self, more: Value) -> String {
        let before = self.inside.connections();
        let reply = self.call(more.clone()).await;
        assert!(reply.failed, "{more}: {reply:?}");
        assert!(
            reply.text().starts_with("`host` "),
            "{more}: {}",
            reply.text()
        );
        assert_eq!(self.inside.connections(), before, "{more}");
        reply.text().to_owned()
    }

    /// Goes on with other flags.
    pub(crate) async fn restart(&mut self, flags: &[&str]) {
        let session = Session::start(&[&["--log-level", "trace"], flags].concat()).await;
        let old = std::mem::replace(&mut self.session, session).finish().await;
        check_no_key("log", &old.log);
    }

    /// Fails unless TLS fails before anything is said to the inside.
    pub(crate) async fn distrusted(&mut self, more: Value) -> String {
        let (connections, bytes) = (self.inside.connections(), self.inside.bytes_received());
        let reply = self.call(more.clone()).await;
        assert!(reply.failed, "{more}: {reply:?}");
        let text = reply.text();
        assert!(text.starts_with("TLS with "), "{more}: {text}");
        assert_eq!(
            self.inside.connections(),
            connections + 1,
            "{more}: no second try"
        );
        assert_eq!(self.inside.bytes_received(), bytes, "{more}");
        text.to_owned()
    }

    /// Fails if anybody saw the key who should not have, or was connected to. Returns the log.
    pub(crate) async fn finish(mut self) -> String {
        self.session.ping().await;
        let lines = std::mem::take(&mut self.session.lines);
        let finished = self.session.finish().await;
        assert!(finished.status.success());
        for line in lines.iter().chain(&finished.rest) {
            check_no_key("output", line);
        }
        check_no_key("log", &finished.log);
        assert_eq!(self.elsewhere.connections(), 0);
        for request in self.inside.requests() {
            check_no_key("URL", &request.target);
        }
        finished.log
    }
}

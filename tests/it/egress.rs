//! Ways by which a call could go elsewhere: redirects, challenges and proxies. The numbers are those of the adversarial
//! cases of group RD.

use std::sync::{Arc, Mutex};

use opmanager_simulator::{Fault, FaultKind, Tls};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::Session;
use crate::support::fence::{Fence, KEY, authority, check_no_key, check_refused_flag, opmanager};

fn with_header(status: u16, name: &str, value: &str) -> FaultKind {
    FaultKind::Respond {
        status,
        content_type: Some("application/json".to_owned()),
        headers: vec![(name.to_owned(), value.to_owned())],
        body: b"[]".to_vec(),
    }
}

/// Calls once with this fault in the way, and fails unless that was one request.
async fn call(fence: &mut Fence, kind: FaultKind, more: Value) -> crate::support::Reply {
    fence.inside.clear_log();
    fence.inside.inject(Fault::once(kind));
    let reply = fence.call(more).await;
    assert_eq!(fence.inside.requests().len(), 1, "{reply:?}");
    reply
}

#[tokio::test]
async fn rd_01_redirects_are_not_followed() {
    let mut fence = Fence::new(&["--access", "write"]).await;
    let elsewhere = fence.elsewhere.host();
    for status in [300, 301, 302, 303, 304, 307, 308] {
        for location in [
            format!("http://{elsewhere}/"),
            format!("http://{elsewhere}/api/json/device/listDevices"),
            format!("//{elsewhere}/"),
            "/api/json/alarm/listAlarms".to_owned(),
            "?a=b".to_owned(),
        ] {
            let kind = FaultKind::Redirect { status, location };
            let reply = call(&mut fence, kind.clone(), json!({})).await;
            assert!(
                reply.failed && reply.text().contains(&status.to_string()),
                "{reply:?}"
            );
            assert!(
                reply.text().contains("Redirects are not followed"),
                "{reply:?}"
            );
            assert!(!reply.text().contains(&elsewhere), "{reply:?}");

            fence.inside.clear_log();
            fence.inside.inject(Fault::once(kind));
            let note = json!({
                "host": fence.inside.host(), "apiKey": KEY, "use_ssl": false, "entity": "db-02_Poll", "notes": "seen",
            });
            let reply = fence.session.call("add_notes", note).await;
            assert!(
                reply.failed && reply.text().contains("Redirects are not followed"),
                "{reply:?}"
            );
            assert_eq!(fence.inside.requests().len(), 1);
            fence.works(json!({})).await;
        }
    }
    fence.finish().await;
}

#[tokio::test]
async fn rd_02_a_redirect_from_https_to_http_is_not_followed() {
    let plain = opmanager(Tls::None).await;
    let mut fence = Fence::around(opmanager(Tls::SelfSigned).await, &[]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/api/json/device/listDevices", plain.host());
        let kind = FaultKind::Redirect { status, location };
        let reply = call(&mut fence, kind, json!({ "verify_ssl": false })).await;
        assert!(
            reply.failed && reply.text().contains("Redirects are not followed"),
            "{reply:?}"
        );
        assert_eq!(fence.inside.connections(), 1);
    }
    assert_eq!(plain.connections(), 0);
    fence.finish().await;
}

#[tokio::test]
async fn rd_04_hints_to_go_elsewhere_are_ignored() {
    let mut fence = Fence::new(&[]).await;
    let elsewhere = fence.elsewhere.host();
    let port = fence.elsewhere.address().port();
    for (name, value) in [
        ("Refresh", format!("0; url=http://{elsewhere}/")),
        ("Link", format!("<http://{elsewhere}/>; rel=preload")),
        (
            "Alt-Svc",
            format!("h2=\"{elsewhere}\", http/1.1=\":{port}\"; ma=3600; persist=1"),
        ),
        ("Location", format!("http://{elsewhere}/")),
        ("Content-Location", format!("http://{elsewhere}/")),
        ("Strict-Transport-Security", "max-age=3600".to_owned()),
        ("Upgrade", "h2c".to_owned()),
        ("Set-Cookie", "a=b".to_owned()),
    ] {
        let reply = call(&mut fence, with_header(200, name, &value), json!({})).await;
        assert!(!reply.failed, "{name}: {reply:?}");
        fence.works(json!({})).await;
        for request in fence.inside.requests() {
            assert_eq!(
                (request.header("cookie"), request.header("referer")),
                (None, None)
            );
        }
    }
    for name in ["Location", "Link", "Refresh"] {
        let kind = with_header(300, name, &format!("http://{elsewhere}/"));
        assert!(call(&mut fence, kind, json!({})).await.failed, "{name}");
    }
    let hints = format!(
        "HTTP/1.1 103 Early Hints\r\nLink: <http://{elsewhere}/>; rel=preload\r\nLocation: http://{elsewhere}/\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    );
    let reply = call(&mut fence, FaultKind::Raw(hints.into_bytes()), json!({})).await;
    assert!(!reply.failed, "{reply:?}");
    fence.finish().await;
}

#[tokio::test]
async fn rd_05_proxies_of_the_environment_are_not_used() {
    let plain = opmanager(Tls::None).await;
    let mut fence = Fence::around(opmanager(Tls::SelfSigned).await, &[]).await;
    let url = fence.elsewhere.url();
    fence.session = Session::spawn_with(&["--log-level", "trace"], |command| {
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "FTP_PROXY",
            "PROXY",
        ] {
            command.env(name, &url).env(name.to_lowercase(), &url);
        }
        // Under any of these, the library would pass a proxy by on its own account.
        for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
            command.env_remove(name);
        }
    });
    fence.session.initialize("2025-11-25").await;
    fence
        .works(json!({ "host": plain.host(), "use_ssl": false }))
        .await;
    fence.works(json!({ "verify_ssl": false })).await;
    assert_eq!(
        (fence.inside.requests().len(), plain.requests().len()),
        (1, 1)
    );
    fence.finish().await;
}

#[tokio::test]
async fn rd_07_a_challenge_is_not_answered() {
    let mut fence = Fence::new(&[]).await;
    for (status, name) in [
        (401, "WWW-Authenticate"),
        (407, "Proxy-Authenticate"),
        (407, "WWW-Authenticate"),
    ] {
        for challenge in [
            "Basic realm=\"x\"",
            "Negotiate",
            "NTLM",
            "Digest realm=\"x\", nonce=\"y\"",
        ] {
            let reply = call(&mut fence, with_header(status, name, challenge), json!({})).await;
            assert!(
                reply.failed && reply.text().contains(&status.to_string()),
                "{reply:?}"
            );
            for request in fence.inside.requests() {
                for name in ["authorization", "proxy-authorization"] {
                    assert_eq!(request.header(name), None);
                }
            }
        }
    }
    fence.finish().await;
}

/// A proxy that knows CONNECT, and writes down everything that passes through it in clear.
struct Proxy {
    host: String,
    heads: Arc<Mutex<Vec<String>>>,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            host: listener.local_addr().unwrap().to_string(),
            heads: Arc::default(),
            seen: Arc::default(),
        };
        let (heads, seen) = (Arc::clone(&proxy.heads), Arc::clone(&proxy.seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heads, seen) = (Arc::clone(&heads), Arc::clone(&seen));
                tokio::spawn(async move {
                    let _ = Self::serve(stream, &heads, &seen).await;
                });
            }
        });
        proxy
    }

    async fn serve(
        stream: TcpStream,
        heads: &Mutex<Vec<String>>,
        seen: &Mutex<Vec<u8>>,
    ) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                break;
            }
        }
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let connects = head.starts_with("CONNECT ");
        heads.lock().unwrap().push(head);
        if !connects {
            return stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                .await;
        }
        let onward = TcpStream::connect(target).await?;
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
        // What comes from the client is written down before it goes on.
        let (mut reader, mut writer) = stream.into_inner().into_split();
        let (mut out, mut into) = onward.into_split();
        tokio::join!(
            async {
                let mut chunk = vec![0; 16 * 1024];
                while let Ok(size @ 1..) = reader.read(&mut chunk).await {
                    seen.lock().unwrap().extend(&chunk[..size]);
                    if into.write_all(&chunk[..size]).await.is_err() {
                        break;
                    }
                }
                let _ = into.shutdown().await;
            },
            async {
                let _ = tokio::io::copy(&mut out, &mut writer).await;
                let _ = writer.shutdown().await;
            }
        );
        Ok(())
    }

    fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_proxy_carries_https_and_sees_neither_key_nor_request() {
    let proxy = Proxy::start().await;
    let inside = opmanager(Tls::CaSigned).await;
    let trusted = authority("proxy.pem", &inside);
    let port = inside.address().port();
    let mut fence = Fence::around(inside, &["--proxy", &proxy.url(), "--ca-file", &trusted]).await;
    for host in ["127.0.0.1", "localhost"] {
        let target = format!("{host}:{port}");
        fence.works(json!({ "host": target })).await;
        let heads = proxy.heads();
        let head = heads.last().unwrap();
        assert!(
            head.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
            "{head}"
        );
    }
    fence.works(json!({ "verify_ssl": false })).await;
    assert_eq!((proxy.heads().len(), fence.inside.requests().len()), (3, 3));
    for head in proxy.heads() {
        check_no_key("proxy", &head);
        assert!(!head.contains("/api/"), "{head}");
    }
    let seen = proxy.seen.lock().unwrap().clone();
    assert_eq!(seen.first(), Some(&0x16), "TLS begins at once");
    assert!(
        !seen
            .windows(KEY.len())
            .any(|window| window == KEY.as_bytes())
    );
    fence.finish().await;
}

#[tokio::test]
async fn certificates_are_checked_through_a_proxy_too() {
    let proxy = Proxy::start().await;
    let inside = opmanager(Tls::SelfSigned).await;
    let mut fence = Fence::around(inside, &["--proxy", &proxy.url()]).await;
    fence.distrusted(json!({})).await;
    assert_eq!(proxy.heads().len(), 1);
    fence.finish().await;
}

#[tokio::test]
async fn nothing_goes_past_a_proxy_unless_the_operator_says_so() {
    let proxy = Proxy::start().await;
    let mut fence = Fence::new(&["--proxy", &proxy.url()]).await;
    let port = fence.inside.address().port();
    for more in [
        json!({}),
        json!({ "host": format!("localhost:{port}") }),
        json!({ "host": format!("unknown.invalid:{port}") }),
        json!({ "host": "127.0.0.1:8060", "use_ssl": "false" }),
        json!({ "host": "127.0.0.1:80", "use_ssl": "false" }),
        json!({ "host": "127.0.0.1", "port": 8060, "use_ssl": "false" }),
        json!({ "host": "[::ffff:127.0.0.1]:8060", "use_ssl": "false" }),
        json!({ "verify_ssl": false }),
    ] {
        let text = fence.refused(more, "use_ssl").await;
        assert!(text.contains("--proxy"), "{text}");
    }
    let given = json!({ "host": fence.inside.host(), "apiKey": KEY, "use_ssl": false });
    let reply = fence.session.call("diagnose_connection", given).await;
    assert!(
        reply.failed
            && reply.text().starts_with("failed  target")
            && reply.text().contains("--proxy"),
        "{}",
        reply.text()
    );
    assert_eq!(reply.text().lines().count(), 1, "{}", reply.text());
    fence
        .restart(&["--proxy", &proxy.url(), "--proxy-https-only"])
        .await;
    fence.works(json!({})).await;
    assert_eq!(fence.inside.requests().len(), 1);
    assert_eq!(proxy.heads(), Vec::<String>::new());
    fence.finish().await;
}

#[test]
fn an_exception_from_a_proxy_needs_a_proxy() {
    let output = std::process::Command::new(crate::support::PROGRAM)
        .arg("--proxy-https-only")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("--proxy <URL>"), "{text}");
}

#[tokio::test]
async fn a_proxy_is_told_who_asks_if_its_url_says_so() {
    let proxy = Proxy::start().await;
    let inside = opmanager(Tls::SelfSigned).await;
    let url = format!("http://user:p%40ss@{}", proxy.host);
    let mut fence = Fence::around(inside, &["--proxy", &url]).await;
    fence.works(json!({ "verify_ssl": false })).await;
    let head = proxy.heads().remove(0).to_lowercase();
    assert!(
        head.contains("proxy-authorization: basic dxnlcjpwqhnz\r\n"),
        "{head}"
    );
    let requests = fence.inside.requests();
    assert_eq!(requests[0].header("proxy-authorization"), None);
    fence.finish().await;
}

#[tokio::test]
async fn a_proxy_is_no_way_around_the_policy() {
    let proxy = Proxy::start().await;
    let mut fence = Fence::new(&["--proxy", &proxy.url(), "--deny-private"]).await;
    for host in [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "0.0.0.0",
        "10.0.0.1",
    ] {
        fence
            .refused(json!({ "host": host, "use_ssl": true }), "host")
            .await;
    }
    fence
        .restart(&["--proxy", &proxy.url(), "--allowed-targets", "opm.test"])
        .await;
    fence.refused(json!({ "use_ssl": true }), "host").await;
    // The proxy's name is trusted for the proxy and not for calls.
    let named = proxy.url().replace("127.0.0.1", "localhost");
    fence
        .restart(&["--proxy", &named, "--proxy-https-only", "--deny-loopback"])
        .await;
    for port in [
        fence.inside.address().port(),
        proxy.host.rsplit(':').next().unwrap().parse().unwrap(),
    ] {
        let text = fence
            .refused_by_resolver(json!({ "host": format!("localhost:{port}") }))
            .await;
        assert!(text.contains("--deny-loopback"), "{text}");
    }
    assert_eq!(proxy.heads(), Vec::<String>::new());
    fence.finish().await;
}

#[tokio::test]
async fn a_proxy_that_refuses_or_vanishes_is_told_and_nothing_goes_directly() {
    let inside = opmanager(Tls::SelfSigned).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).await;
        let _ = stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            .await;
    });
    let mut fence = Fence::around(inside, &["--proxy", &url]).await;
    for _ in 0..2 {
        let reply = fence.call(json!({ "verify_ssl": false })).await;
        assert!(reply.failed, "{reply:?}");
        assert_eq!(fence.inside.connections(), 0);
    }
    fence.finish().await;
}

#[test]
fn proxies_that_are_none_end_the_program_at_the_start() {
    for value in [
        "",
        "proxy",
        "proxy:3128",
        "https://proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "file:///x",
        "http://a:99999",
    ] {
        check_refused_flag("--proxy", value);
    }
}

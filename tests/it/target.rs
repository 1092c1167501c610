//! Where a call may go. The numbers are those of the adversarial cases of group HP.

use std::net::Ipv6Addr;

use opmanager_mcp_server::opmanager::{Host, Target};
use opmanager_simulator::{Options, Simulator, Tls};
use serde_json::{Value, json};

use crate::support::fence::{Fence, KEY, check_refused_flag, opmanager_at};

/// Fails unless each of these hosts is refused as a host, without being repeated. Returns what was said.
async fn refused_hosts(fence: &mut Fence, hosts: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    for host in hosts {
        let text = fence.refused(json!({ "host": host }), "host").await;
        assert!(host.len() < 12 || !text.contains(host), "{host}: {text}");
        texts.push(text);
    }
    texts
}

#[tokio::test]
async fn hp_01_what_is_never_a_target_is_refused_as_such() {
    let mut fence = Fence::new(&["--allow-plaintext-public"]).await;
    for (host, what) in [
        ("169.254.169.254", "link-local or metadata address"),
        ("169.254.169.254:80", "link-local or metadata address"),
        ("169.254.0.1:8060", "link-local or metadata address"),
        ("[fe80::1]", "link-local or metadata address"),
        ("100.100.100.200", "metadata address"),
        ("168.63.129.16:443", "metadata address"),
        ("[fd00:ec2::254]", "metadata address"),
        ("0.0.0.0", "unspecified address"),
        ("[::]", "unspecified address"),
        ("224.0.0.1", "multicast address"),
        ("[ff02::1]", "multicast address"),
        ("255.255.255.255", "broadcast address"),
        ("240.0.0.1", "reserved address"),
        ("203.0.113.1", "documentation"),
    ] {
        for more in [json!({}), json!({ "verify_ssl": false })] {
            let mut given = json!({ "host": host, "use_ssl": true });
            given
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let text = fence.refused(given, "host").await;
            assert!(
                text.contains(what) && text.contains("never a target"),
                "{host}: {text}"
            );
        }
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_02_an_address_inside_of_another_is_judged_as_what_it_is() {
    let mut fence = Fence::new(&[]).await;
    let plain = fence
        .refused(
            json!({ "host": "169.254.169.254", "use_ssl": true }),
            "host",
        )
        .await;
    for host in [
        "[::ffff:a9fe:a9fe]",
        "[::ffff:169.254.169.254]",
        "[::a9fe:a9fe]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:1:2:3:4:5601:5601]",
        "[::ffff:0:169.254.169.254]",
    ] {
        let text = fence
            .refused(json!({ "host": host, "use_ssl": true }), "host")
            .await;
        assert_eq!(text, plain, "{host}");
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_04_other_spellings_of_addresses_are_refused() {
    let mut fence = Fence::new(&[]).await;
    let hosts = [
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "017700000001",
        "127.1",
        "1.2.3",
        "0",
        "0127.0.0.1",
        "127.0.0.01",
        "127.0.0.1.1",
        "256.1.1.1",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "0x",
        "a.0x7f",
        "a.1",
    ];
    refused_hosts(&mut fence, &hosts).await;
    fence.finish().await;
}

#[tokio::test]
async fn hp_06_users_and_passwords_are_refused_and_not_repeated() {
    let mut fence = Fence::new(&[]).await;
    let (here, evil) = (fence.inside.host(), fence.elsewhere.host());
    for host in [
        "good.test@evil.test".to_owned(),
        format!("u:p@{here}"),
        format!("{KEY}@{here}"),
        format!("u:{KEY}@{here}"),
        format!("{here}@{evil}"),
        format!("opmanager.test:8061@{evil}"),
    ] {
        let texts = refused_hosts(&mut fence, &[&host]).await;
        assert!(
            !texts[0].contains("u:p") && !texts[0].contains("good.test"),
            "{}",
            texts[0]
        );
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_07_other_parts_of_urls_are_refused() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    for host in [
        format!("{here}/../../x"),
        format!("{here}/api"),
        format!("{here}/"),
        "127.0.0.1?x".to_owned(),
        "127.0.0.1#x".to_owned(),
        "127.0.0.1\\x".to_owned(),
        "127.0.0.1%2f".to_owned(),
        "ex%61mple.test".to_owned(),
        "127.0.0.1;x".to_owned(),
        "127.0.0.1,127.0.0.2".to_owned(),
        "*".to_owned(),
        "a*.test".to_owned(),
    ] {
        refused_hosts(&mut fence, &[&host]).await;
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_08_line_ends_are_refused() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    for end in ["\r\nX-Evil: 1", "\n", "\r", "\r\n", "\u{85}", "\u{2028}"] {
        refused_hosts(&mut fence, &[&format!("{here}{end}")]).await;
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_09_controls_spaces_and_letters_of_other_scripts_are_refused() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    let hosts = [
        "127.0.0.1\0.evil.test",
        "127.0.0.1\t",
        "127.0.0.1\t.evil.test",
        " 127.0.0.1",
        "127.0.0.1 ",
        &format!(" {here}"),
        &format!("{here} "),
        "a b",
        "é.test",
        "ａ.test",
        "a\u{200b}.test",
        "a。test",
        "localhost。",
        "ⓛocalhost",
        "a\u{7f}.test",
    ];
    refused_hosts(&mut fence, &hosts).await;
    fence.finish().await;
}

#[tokio::test]
async fn hp_11_ports_that_are_none_are_refused_and_not_replaced() {
    let mut fence = Fence::new(&[]).await;
    let port = fence.inside.address().port();
    let hosts = [
        "h:0",
        "h:65536",
        "h:99999",
        "h:-1",
        "h:+80",
        "h:080",
        "h:",
        "h:80a",
        "h:80:80",
        "h: 80",
        "h:８０",
        "h:0x50",
        "h:18446744073709551617",
        ":80",
        &format!(":{port}"),
        "127.0.0.1:",
        "127.0.0.1:+8061",
        "[::1]:",
        "[::1]:0",
        "[::1]:080",
        "[::1]80",
        "[::1]x",
    ];
    refused_hosts(&mut fence, &hosts).await;
    fence.finish().await;
}

#[tokio::test]
async fn hp_12_the_port_is_given_once_or_twice_the_same() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    let port = fence.inside.address().port();
    for (host, given) in [
        (here.as_str(), port ^ 1),
        ("[::1]:9", port),
        (here.as_str(), 8061),
        (here.as_str(), fence.elsewhere.address().port()),
    ] {
        fence
            .refused(json!({ "host": host, "port": given }), "port")
            .await;
    }
    for (number, host) in [here.as_str(), "127.0.0.1"].into_iter().enumerate() {
        fence.works(json!({ "host": host, "port": port })).await;
        assert_eq!(fence.inside.requests().len(), number + 1);
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_13_ports_are_numbers_from_1_to_65535() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    for wrong in [
        json!(0),
        json!(65536),
        json!(-1),
        json!(8061.5),
        json!("65536"),
        json!("0x1f7d"),
        json!(true),
        json!(1e9),
    ] {
        for host in ["127.0.0.1", here.as_str()] {
            fence
                .refused(json!({ "host": host, "port": wrong }), "port")
                .await;
        }
    }
    fence.finish().await;
    for port in [1, 65535] {
        let (apart, together) = (
            Target::parse("127.0.0.1", Some(port), None),
            Target::parse(&format!("127.0.0.1:{port}"), None, None),
        );
        assert_eq!(
            (apart.unwrap().port(), together.unwrap().port()),
            (port, port)
        );
    }
}

#[tokio::test]
async fn hp_14_a_bracketed_address_is_called_as_written() {
    let options = Options {
        address: Ipv6Addr::LOCALHOST.into(),
        ..Options::default()
    };
    if Simulator::start(options).await.is_err() {
        println!("no IPv6 here");
        return;
    }
    let inside = opmanager_at(Ipv6Addr::LOCALHOST.into(), 0, Tls::None).await;
    let host = inside.host();
    assert!(host.starts_with("[::1]:"));
    let mut fence = Fence::around(inside, &[]).await;
    fence.works(json!({})).await;
    let requests = fence.inside.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("host"), Some(host.as_bytes()));
    fence.finish().await;
}

#[tokio::test]
async fn hp_15_ipv6_addresses_stand_in_brackets_without_zones() {
    let mut fence = Fence::new(&[]).await;
    let port = fence.inside.address().port();
    let hosts = [
        "::1",
        &format!("::1:{port}"),
        "[::1",
        "::1]",
        "[]",
        "[127.0.0.1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1]]",
        "[[::1]]",
        "[h.test]",
        "[::1%]",
        "[:::1]",
        "fe80::1%eth0",
        "[::1%lo]",
        "[::1] ",
        "[ ::1]",
        "[::ffff:127.0.0.01]",
    ];
    refused_hosts(&mut fence, &hosts).await;
    fence.finish().await;
}

#[tokio::test]
async fn hp_16_names_that_are_none_are_refused() {
    let mut fence = Fence::new(&[]).await;
    let port = fence.inside.address().port();
    let long_label = format!("{}.test", "a".repeat(64));
    let long_name = format!("{}.test", ["a".repeat(49).as_str(); 5].join("."));
    assert_eq!(long_name.len(), 254);
    let hosts = [
        &format!("localhost.:{port}"),
        "localhost.",
        "169.254.169.254.",
        ".",
        "..",
        ".a",
        "a..test",
        "-a.test",
        "a-.test",
        "a.-b",
        &long_label,
        &long_name,
        "xn--a.test",
        "xn--.test",
        "xn--99999999.test",
    ];
    refused_hosts(&mut fence, &hosts).await;
    fence.finish().await;
}

#[tokio::test]
async fn hp_17_schemes_are_refused_with_what_is_wanted_instead() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    let hosts = [
        &format!("https://{here}"),
        &format!("http://{here}"),
        "file:///etc/hosts",
        "gopher://x",
        "//127.0.0.1",
        "HTTPS://h",
    ];
    for text in refused_hosts(&mut fence, &hosts).await {
        assert!(text.contains("host or host:port, without scheme"), "{text}");
    }
    refused_hosts(&mut fence, &["\\\\127.0.0.1\\x", "http:/127.0.0.1"]).await;
    fence.finish().await;
}

#[tokio::test]
async fn hp_18_missing_and_mistyped_hosts_are_named() {
    let mut fence = Fence::new(&[]).await;
    let here = fence.inside.host();
    for host in [
        json!(""),
        json!(null),
        json!(5),
        json!([]),
        json!({}),
        json!([here]),
        json!({ "host": here }),
        json!(true),
    ] {
        fence.refused(json!({ "host": host }), "host").await;
    }
    for (given, named) in [
        (json!({}), &["`host`", "`apiKey`"][..]),
        (json!({ "apiKey": KEY }), &["`host`"]),
        (json!({ "host": here, "use_ssl": false }), &["`apiKey`"]),
    ] {
        let reply = fence.session.call("list_devices", given).await;
        assert!(reply.failed, "{reply:?}");
        let missing = reply
            .text()
            .lines()
            .filter(|line| line.contains("is missing"));
        let missing: Vec<&str> = missing.filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(missing, named, "{}", reply.text());
    }
    assert_eq!(fence.inside.connections(), 0);
    fence.finish().await;
}

/// Over a name that every machine knows; other answers are given in the unit tests of the resolver.
#[tokio::test]
async fn hp_21_the_addresses_of_a_name_obey_the_rules_for_addresses() {
    let mut fence = Fence::new(&["--deny-loopback"]).await;
    let port = fence.inside.address().port();
    for more in [
        json!({ "use_ssl": false }),
        json!({ "use_ssl": true }),
        json!({ "verify_ssl": false, "use_ssl": true }),
    ] {
        for host in ["localhost", "LocalHost"] {
            let mut given = more.clone();
            given["host"] = format!("{host}:{port}").into();
            let text = fence.refused_by_resolver(given).await;
            assert!(text.contains("--deny-loopback"), "{text}");
        }
    }
    fence.finish().await;
}

#[tokio::test]
async fn hp_22_targets_that_are_not_allowed_are_refused_by_name() {
    let mut fence = Fence::new(&["--allowed-targets", "opm.test:8061,*.opm.test"]).await;
    let here = fence.inside.host();
    let hosts = [
        "other.test",
        "opm.test:8060",
        "opm.test:443",
        "xopm.test",
        "xopm.test:8061",
        "opm.test.evil.test",
        "opm.testx",
        "test",
        here.as_str(),
        "127.0.0.1",
        "[::1]",
        "localhost",
    ];
    for host in hosts {
        let text = fence
            .refused(json!({ "host": host, "use_ssl": true }), "host")
            .await;
        assert!(
            text.contains("is not in the allowed targets"),
            "{host}: {text}"
        );
    }
    fence.finish().await;
}

#[tokio::test]
async fn allowed_targets_are_names_suffixes_addresses_and_networks() {
    let inside = crate::support::fence::opmanager(Tls::None).await;
    let port = inside.address().port();
    let other = port ^ 1;
    let cases: [(String, &[&str], &[&str]); 9] = [
        (
            "localhost".to_owned(),
            &["localhost", "LOCALHOST"],
            &["127.0.0.1"],
        ),
        ("LOCALHOST".to_owned(), &["localhost"], &["127.0.0.1"]),
        (format!("localhost:{port}"), &["localhost"], &["127.0.0.1"]),
        (
            format!("localhost:{other}"),
            &[],
            &["localhost", "127.0.0.1"],
        ),
        (
            "127.0.0.1".to_owned(),
            &["127.0.0.1"],
            &["localhost", "127.0.0.2"],
        ),
        (
            format!("127.0.0.0/8:{port}"),
            &["127.0.0.1"],
            &["localhost"],
        ),
        (format!("127.0.0.0/8:{other}"), &[], &["127.0.0.1"]),
        (
            "*.test,127.0.0.0/31".to_owned(),
            &["127.0.0.1"],
            &["localhost", "127.0.0.2"],
        ),
        (
            "[::1],[fd00::/8]:8061,10.0.0.0/8".to_owned(),
            &[],
            &["127.0.0.1", "localhost"],
        ),
    ];
    let mut fence = Fence::around(inside, &[]).await;
    for (flag, allowed, refused) in cases {
        fence.restart(&["--allowed-targets", &flag]).await;
        for host in allowed {
            fence
                .works(json!({ "host": format!("{host}:{port}") }))
                .await;
        }
        for host in refused {
            let text = fence
                .refused(json!({ "host": format!("{host}:{port}") }), "host")
                .await;
            assert!(text.contains("--allowed-targets"), "{flag} {host}: {text}");
        }
    }
    fence.finish().await;
}

#[test]
fn allowed_targets_that_are_none_end_the_program_at_the_start() {
    for value in [
        "",
        ",",
        "a,,b",
        "http://a",
        "a/b",
        "a:0",
        "a:x",
        "a:65536",
        "*",
        "*.",
        "*.*.test",
        "**.test",
        "*.10.0.0.1",
        "*test",
        "a*.test",
        "10.0.0.0/33",
        "10.0.0.0/8:0",
        "10.0.0.0/8:+80",
        "10.0.0.0/8:080",
        "10.0.0.0/",
        "fd00::1",
        "[fd00::/8",
        "[fd00::/129]",
        "[fd00::/8]x",
        "[fd00::/8]:",
        "u@a",
        "a b",
        "é.test",
        "1.2.3",
        "0x7f.1",
        "a.",
    ] {
        check_refused_flag("--allowed-targets", value);
    }
}

#[tokio::test]
async fn this_machine_is_denied_unless_it_is_listed() {
    let mut fence = Fence::new(&["--deny-loopback"]).await;
    let port = fence.inside.address().port();
    for host in [
        "127.0.0.1",
        "127.1.2.3",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ] {
        let text = fence
            .refused(json!({ "host": format!("{host}:{port}") }), "host")
            .await;
        assert!(text.contains("--deny-loopback"), "{host}: {text}");
    }
    for (listed, allowed, refused) in [
        ("127.0.0.1", "127.0.0.1", "localhost"),
        ("localhost", "localhost", "127.0.0.1"),
        ("127.0.0.0/8", "127.0.0.1", "[::1]"),
    ] {
        fence
            .restart(&["--deny-loopback", "--allowed-targets", listed])
            .await;
        fence
            .works(json!({ "host": format!("{allowed}:{port}") }))
            .await;
        fence
            .refused(json!({ "host": format!("{refused}:{port}") }), "host")
            .await;
    }
    // Nothing opens what is never a target.
    fence
        .restart(&["--allowed-targets", "0.0.0.0/0,[::/0],169.254.169.254"])
        .await;
    for host in [
        "169.254.169.254",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
    ] {
        let text = fence
            .refused(json!({ "host": host, "use_ssl": true }), "host")
            .await;
        assert!(text.contains("never a target"), "{host}: {text}");
    }
    fence.finish().await;
}

#[tokio::test]
async fn private_networks_are_denied() {
    let mut fence = Fence::new(&["--deny-private"]).await;
    for host in [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "[fd00::1]",
        "[fec0::1]",
        "[::ffff:10.0.0.1]",
    ] {
        let text = fence
            .refused(json!({ "host": host, "use_ssl": true }), "host")
            .await;
        assert!(text.contains("--deny-private"), "{host}: {text}");
    }
    fence.works(json!({})).await;
    fence.finish().await;
}

#[test]
fn hosts_are_read_as_they_are_written() {
    for (text, host, port) in [
        ("opm.test", Host::Name("opm.test".to_owned()), 8061),
        ("OPM.Test:443", Host::Name("opm.test".to_owned()), 443),
        ("my_opm-1", Host::Name("my_opm-1".to_owned()), 8061),
        ("10.0.0.1:65535", Host::V4([10, 0, 0, 1].into()), 65535),
        ("[::1]", Host::V6(Ipv6Addr::LOCALHOST), 8061),
        (
            "[2001:DB8::1]:9",
            Host::V6("2001:db8::1".parse().unwrap()),
            9,
        ),
        ("1a.test", Host::Name("1a.test".to_owned()), 8061),
        (
            "xn--bcher-kva.test",
            Host::Name("xn--bcher-kva.test".to_owned()),
            8061,
        ),
        (
            "XN--Bcher-KVA.test",
            Host::Name("xn--bcher-kva.test".to_owned()),
            8061,
        ),
    ] {
        let target = Target::parse(text, None, None).unwrap();
        assert_eq!(
            (target.host(), target.port(), target.tls()),
            (&host, port, true),
            "{text}"
        );
    }
    for (port, tls) in [
        (8060, false),
        (80, false),
        (8061, true),
        (443, true),
        (8443, true),
        (1, true),
    ] {
        assert_eq!(
            Target::parse("h", Some(port), None).unwrap().tls(),
            tls,
            "{port}"
        );
    }
}

#[tokio::test]
async fn the_tool_that_examines_connections_obeys_the_same_rules() {
    let mut fence = Fence::new(&[
        "--allowed-targets",
        "127.0.0.2,169.254.169.254,localhost",
        "--require-tls",
    ])
    .await;
    let port = fence.inside.address().port();
    for (given, word) in [
        (json!({ "host": "169.254.169.254" }), "never a target"),
        (
            json!({ "host": format!("127.0.0.1:{port}"), "use_ssl": true }),
            "--allowed-targets",
        ),
        (
            json!({ "host": format!("localhost:{port}"), "use_ssl": false }),
            "--require-tls",
        ),
    ] {
        let mut given: Value = given;
        given["apiKey"] = KEY.into();
        let reply = fence.session.call("diagnose_connection", given).await;
        assert!(
            reply.failed && reply.text().starts_with("failed  target"),
            "{}",
            reply.text()
        );
        assert!(
            reply.text().contains(word) && reply.text().lines().count() == 1,
            "{}",
            reply.text()
        );
    }
    fence.restart(&["--deny-loopback"]).await;
    let given = json!({ "host": format!("localhost:{port}"), "apiKey": KEY });
    let reply = fence.session.call("diagnose_connection", given).await;
    assert!(
        reply.failed && reply.text().contains("failed  address"),
        "{}",
        reply.text()
    );
    assert_eq!(fence.inside.connections(), 0);
    fence.finish().await;
}

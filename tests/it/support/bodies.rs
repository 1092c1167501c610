//! Large answers in the documented shapes, made up row by row.

#![allow(dead_code, reason = "tests and benchmarks take what they need of it")]

/// An answer of listDevices with that many devices.
pub(crate) fn devices(count: usize) -> String {
    const KINDS: [(&str, &str, &str); 4] = [
        ("Cisco Catalyst 9300", "Switch", "Cisco"),
        ("Linux", "Server", "Net-SNMP"),
        ("Windows 2022", "Server", "Microsoft"),
        ("HP LaserJet", "Printer", "HP"),
    ];
    const STATES: [(&str, u8); 4] = [
        ("Clear", 5),
        ("Attention", 3),
        ("Critical", 1),
        ("Trouble", 2),
    ];
    let mut body = format!("{{\"total\":1,\"page\":1,\"records\":{count},\"rows\":[");
    for number in 0..count {
        let (kind, category, vendor) = KINDS[number % KINDS.len()];
        let (state, code) = STATES[number * 7 % 13 % STATES.len()];
        let comma = if number == 0 { "" } else { "," };
        let (high, low) = (number / 250, number % 250 + 1);
        body += &format!(
            "{comma}{{\"isSNMP\":{},\"ipaddress\":\"10.20.{high}.{low}\",\"statusStr\":\"{state}\",\
             \"prettyTime\":\"{} days ago\",\"displayName\":\"node-{number:05}\",\"isNew\":false,\
             \"type\":\"{kind}\",\"vendorName\":\"{vendor}\",\
             \"deviceName\":\"node-{number:05}.corp.example\",\"statusNum\":\"{code}\",\
             \"addedTime\":\"{} Nov 2025 09:{:02}:11 AM UTC\",\"interfaceCount\":{},\
             \"category\":\"{category}\",\"moid\":\"{}\"}}",
            number % 3 == 0,
            number % 400,
            number % 28 + 1,
            number % 60,
            number % 49,
            10_000_000_000_u64 + number as u64,
        );
    }
    body + "]}"
}

/// An answer of listAlarms with that many alarms.
pub(crate) fn alarms(count: usize) -> String {
    let mut body = String::from("[");
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        body += &format!(
            "{comma}{{\"severityString\":\"Critical\",\"severity\":1,\"entity\":\"node-{number:05}_Poll\",\
             \"message\":\"CPU utilisation is {}%, threshold value for this monitor is 90%. \\nLook at \\\"processes\\\" of node-{number:05}.\",\
             \"displayName\":\"node-{number:05}\",\"deviceName\":\"node-{number:05}.corp.example\",\"alarmId\":\"{}\",\
             \"eventtype\":\"Threshold Down Event \\u2013 SNMP\",\"technician\":\"%UnAssigned%\",\
             \"modTime\":\"14 Jan 2026 09:{:02}:11 AM UTC\",\"status\":\"Critical\",\"alarmcode\":\"Threshold-DOWN\",\
             \"categoryDisplayName\":\"Stra\u{df}en-Server\",\"prettyTime\":\"{} mins ago\"}}",
            91 + number % 9,
            100_000 + number,
            number % 60,
            number % 60,
        );
    }
    body + "]"
}

/// An answer of listInterfaces with that many interfaces.
pub(crate) fn interfaces(count: usize) -> String {
    let mut body = format!("{{\"total\":1,\"page\":1,\"records\":{count},\"rows\":[");
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        let (device, port) = (number / 48, number % 48 + 1);
        let load = number * 7919 % 997;
        body += &format!(
            "{comma}{{\"interfaceDisplayName\":\"GigabitEthernet1/0/{port}\",\"interfaceName\":\"IF-node-{device:03}-{port}\",\
             \"displayName\":\"node-{device:03}\",\"deviceName\":\"node-{device:03}.corp.example\",\"statusNum\":5,\
             \"statusStr\":\"Clear\",\"adminStatus\":\"Up\",\"operStatus\":\"Up\",\"type\":\"ethernetCsmacd\",\
             \"ipAddress\":\"10.20.{device}.1\",\"inSpeed\":\"1 Gbps\",\"outSpeed\":\"1 Gbps\",\
             \"inTraffic\":\"{load}.{number:03} M ({}.{}%)\",\"outTraffic\":\"{} K (0.0%)\",\"isSuppressed\":false}}",
            load / 10,
            load % 10,
            load % 90 + 1,
        );
    }
    body + "]}"
}

/// The array of at least that many bytes whose items are as small and as many as can be.
pub(crate) fn tiny_objects(bytes: usize) -> String {
    const ITEM: &str = "{\"a\":0},";
    format!("[{}{{\"a\":0}}]", ITEM.repeat(bytes / ITEM.len()))
}

/// One object of at least that many bytes, without a list: many fields, some of them large.
pub(crate) fn object(bytes: usize) -> String {
    let mut body = String::from("{\"deviceName\":\"core\"");
    for number in 0.. {
        if body.len() >= bytes {
            break;
        }
        body += &format!(
            ",\"section{number}\":{{\"name\":\"CPU \\u00b7 {number}\",\"layout\":[{}],\"state\":{{\"code\":5,\"text\":\"Clear\"}},\"remark\":\"{}\"}}",
            (0..200)
                .map(|x| (x * 37 % 1000).to_string())
                .collect::<Vec<_>>()
                .join(","),
            "all is well, nothing to see. ".repeat(number % 40),
        );
    }
    body + "}"
}

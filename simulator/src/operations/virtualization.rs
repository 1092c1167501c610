//! Virtual infrastructure: VMware and Nutanix.
//!
//! Owns the answers of the virtualization part of the Devices tag. Only a status that follows from alarms changes them.

use serde_json::{Value, json};

use super::{Answer, Handlers, capital, ok, picture, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    clock,
    state::{CLEAR, Device, Machine, State, Store, UNMANAGED, no_such},
};

pub(super) const HANDLERS: Handlers = &[
    (
        "listVirtualDevices",
        list_virtual_devices,
        &[("virtualDeviceType", "VHOST")],
    ),
    ("getVMWareHosts", vmware_hosts, &[("name", "vcenter-01")]),
    ("getDataCenterDetails", data_centers, &[("moID", "312")]),
    ("getClusterDetails", clusters, &[("moID", "312")]),
    (
        "getVMWareVMs",
        vmware_machines,
        &[("name", "esx-01"), ("type", "HOST")],
    ),
    (
        "getVMWareDataStores",
        data_stores,
        &[("name", "esx-01"), ("type", "HOST")],
    ),
    ("getNutanixVDisks", nutanix_disks, &[("name", "ntx-vm-01")]),
    (
        "getNutanixDetails",
        nutanix_details,
        &[("deviceName", "ntx-vm-01"), ("entityType", "Nutanix-VM")],
    ),
];

/// The monitored name of the one entity of a kind; empty without one.
fn the<'a>(state: &'a State, kind: &str) -> &'a str {
    let found = state
        .devices
        .iter()
        .find(|device| device.virtual_type == kind);
    found.map_or("", |device| &device.name)
}

fn virtual_device<'a>(state: &'a State, name: &str, kind: &str) -> Result<&'a Device, Refusal> {
    let device = state.device(name)?;
    if device.virtual_type == kind {
        Ok(device)
    } else {
        Err(no_such(kind, name))
    }
}

fn vcenter(state: &State, arguments: &Arguments) -> Result<(), Refusal> {
    let device = state.device_by_moid(arguments.integer("moID").unwrap_or_default())?;
    virtual_device(state, &device.name, "VMware-vCenter").map(drop)
}

/// Checks that the parent exists: the vCenter, a host, or what `others` says of a third kind.
fn check_parent(
    state: &State,
    arguments: &Arguments,
    third: &str,
    others: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    let (name, kind) = (arguments.need("name")?, arguments.need("type")?);
    let known = match kind {
        "VCENTER" => virtual_device(state, name, "VMware-vCenter").is_ok(),
        "HOST" => virtual_device(state, name, "VMware-Host").is_ok(),
        _ => kind == third && others(name),
    };
    if known {
        Ok(())
    } else {
        Err(no_such(kind, name))
    }
}

/// A host is a monitored device, all else here is known from it alone. Inferred: the fields of other kinds than VHOST.
fn list_virtual_devices(state: &mut State, arguments: &Arguments) -> Answer {
    let kind = arguments.need("virtualDeviceType")?;
    if kind == "VHOST" {
        // Inferred: an array. The sample is one object, but the operation lists all.
        let hosts = state
            .devices
            .iter()
            .filter(|device| device.virtual_type == "VMware-Host");
        let host = |device: &Device| {
            let machines = state
                .machines
                .iter()
                .filter(|machine| machine.host == device.name);
            json!({
                "VENDOR_NAME": "VMware", "BUILD_INFO": "VMware ESXi 8.0.2 build-00000", "CPU_PACKAGES": 2,
                "TotalDataStores": state.stores.len(), "NUM_PNIC": 4, "OS_TYPE": "vmnix-x86",
                "CPU_MODEL": "Exemplar CPU @ 2.40GHz", "MAINTENANCE_MODE": false, "TotalVms": machines.count(),
                "VCENTERDISPLAYNAME": the(state, "VMware-vCenter"),
                "SYSUPTIME": clock::stamp(state.now - 40 * clock::DAY),
                "CONNECTION_STATUS": "connected", "CPU_THREADS": 48, "CPU_SPEED_MHZ": 2400,
                "HARDWARE_VENDOR": "Exemplar", "NUM_HBA": 2, "CPU_CORES": "24 x 2.40GHz",
                "LASTUPDATEDTIME": clock::stamp(state.now - 4 * clock::MINUTE), "MEM_CAPACITY_MB": "255 GB",
                "VCENTERNAME": "vcenter-01.corp.example",
                "UUID": format!("00000000-0000-4000-8000-{:012}", device.moid), "HARDWARE_MODEL": "Exemplar H200",
                "ENTITYNAME": device.name, "POWER_STATE": "On",
            })
        };
        return ok(hosts.map(host).collect::<Vec<_>>().into());
    }
    let names: Vec<&str> = match kind {
        "VM" => state
            .machines
            .iter()
            .map(|machine| machine.name.as_str())
            .collect(),
        "VDATASTORE" => state.stores.iter().map(|store| store.name).collect(),
        "VCENTER" => vec![the(state, "VMware-vCenter")],
        kind => state
            .devices
            .iter()
            .filter(|device| device.virtual_type == kind)
            .map(|device| device.name.as_str())
            .collect(),
    };
    let entity = |name: &&str| json!({ "ENTITYNAME": name, "VCENTERNAME": "vcenter-01.corp.example", "POWER_STATE": "On" });
    ok(names.iter().map(entity).collect::<Vec<_>>().into())
}

fn vmware_hosts(state: &mut State, arguments: &Arguments) -> Answer {
    virtual_device(state, arguments.need("name")?, "VMware-vCenter")?;
    let hosts = state.devices.iter().filter(|device| device.virtual_type == "VMware-Host").map(|device| {
        let severity = state.severity(device);
        json!({
            "DISPLAYNAME": device.display_name, "STATUS_STR": severity_name(severity), "NUM_PNIC": 4,
            "OS": "ESXServer", "OS_TYPE": "vmnix-x86",
            "SYSUPTIME": clock::month_first_24(state.now - 40 * clock::DAY), "CONNECTION_STATUS": "connected",
            "NAME": device.name, "VHOST_ID": device.moid + 2000, "STATUS": text(severity), "CPU_SPEED_MHZ": 2400,
            "MEM_CAPACITY_MB": 261_120, "POWER_STATE": "On",
        })
    });
    ok(hosts.collect::<Vec<_>>().into())
}

fn data_centers(state: &mut State, arguments: &Arguments) -> Answer {
    vcenter(state, arguments)?;
    ok(json!([
        // The sample of this operation labels 7 otherwise than the filters do.
        {
            "NO_OF_DATASTORES": state.stores.len(), "STATUS_STR": "Unknown", "STATUS": text(UNMANAGED), "NO_OF_NETWORKS": 3,
            "ENTITY_NAME": "datacenter-a",
        },
    ]))
}

fn clusters(state: &mut State, arguments: &Arguments) -> Answer {
    vcenter(state, arguments)?;
    let hosts = state
        .devices
        .iter()
        .filter(|device| device.virtual_type == "VMware-Host")
        .count();
    ok(json!([{
        "NO_OF_DATASTORES": state.stores.len(), "STATUS_STR": severity_name(CLEAR), "STATUS": text(CLEAR),
        "NO_OF_NETWORKS": 3, "EFFECTIVE_CPU": 52_000, "NO_OF_HOSTS": hosts, "TOTAL_CPU_GHZ": 57, "DRS_ENABLED": false,
        "DAS_ENABLED": true, "EFFECTIVE_MEMORY": 240_000, "ENTITY_NAME": "cluster-a", "TOTAL_MEMORY_GB": 255,
    }]))
}

fn vmware_machines(state: &mut State, arguments: &Arguments) -> Answer {
    check_parent(state, arguments, "DATASTORE", |name| {
        state.stores.iter().any(|store| store.name == name)
    })?;
    // A host has its own machines, a data store and the vCenter those of all.
    let host = arguments
        .get("name")
        .filter(|_| arguments.get("type") == Some("HOST"));
    let listed = state.machines.iter().zip(1..);
    let listed = listed.filter(|(machine, _)| host.is_none_or(|host| host == machine.host));
    let machine = |(machine, number): (&Machine, i64)| {
        let Machine {
            name,
            power,
            memory_mb: memory,
            ..
        } = machine;
        let host = state
            .device(&machine.host)
            .map_or(0, |device| device.moid + 2000);
        let mut row = json!({
            "VM_CONNECTIONSTATE": "connected", "DISPLAYNAME": name, "VM_ID": 3300 + number,
            "VIRTUAL_TYPE": "VMware-VM", "NUM_ETHERNET": 1, "VM_POWERSTATE": power, "OS_NAME": "Linux (64-bit)",
            "NUM_VDISK": 2, "VHOST_ID": host, "MEMORY_MB": memory,
            // A machine that is not monitored has a negative id, and lacks the fields below.
            "MOID": -number,
            "IS_ORPHANED": "false",
            "NUM_VCPU": 2,
        });
        if let Ok(device) = state.device(name) {
            let severity = state.severity(device);
            for (field, value) in [
                ("MOID", json!(device.moid)),
                ("NAME", json!(device.name)),
                ("IPADDRESS", json!(device.ip)),
                ("STATUS", json!(text(severity))),
                ("STATUS_STR", json!(severity_name(severity))),
                ("MAX_CPU_MHZ", json!(4800)),
                ("MAX_MEMORY_MB", json!(memory)),
            ] {
                row[field] = value;
            }
        }
        row
    };
    ok(listed.map(machine).collect::<Vec<_>>().into())
}

fn data_stores(state: &mut State, arguments: &Arguments) -> Answer {
    check_parent(state, arguments, "VM", |name| {
        state.machines.iter().any(|machine| machine.name == name)
    })?;
    let hosts = state
        .devices
        .iter()
        .filter(|device| device.virtual_type == "VMware-Host")
        .count();
    let store = |(store, number): (&Store, i64)| {
        let &Store {
            name,
            capacity_mb: capacity,
            free_mb: free,
        } = store;
        json!({
            "HostCount": hosts, "DATASTORENAME": name, "Datastore_ID": 3400 + number, "FILESYSTEM_TYPE": "VMFS",
            "CAPACITY_MB": capacity, "DATASTORE_URL": format!("ds:///vmfs/volumes/00000000-{name}/"),
            "MOID": 3500 + number, "FREESPACE_MB": free, "deviceName": name, "IS_ACCESSIBLE": "5",
        })
    };
    ok(state
        .stores
        .iter()
        .zip(1..)
        .map(store)
        .collect::<Vec<_>>()
        .into())
}

fn nutanix_disks(state: &mut State, arguments: &Arguments) -> Answer {
    let device = state.device(arguments.need("name")?)?;
    if !device.virtual_type.starts_with("Nutanix") {
        return Err(no_such("Nutanix entity", &device.name));
    }
    let disk = |number: i64, capacity: &str| {
        let uuid = format!("00000000-0000-4000-8000-{:012}", device.moid * 10 + number);
        json!({
            "CAPACITY": capacity, "NFSFILEPATH": format!("/general/.acropolis/vmdisk/{uuid}"), "VDISK_ID": number,
            "DISKADDRESS": format!("scsi.{}", number - 1), "UUID": uuid,
        })
    };
    ok(Value::Array(vec![disk(1, "100"), disk(2, "50")]))
}

fn nutanix_details(state: &mut State, arguments: &Arguments) -> Answer {
    let (name, kind) = (arguments.need("deviceName")?, arguments.need("entityType")?);
    let device = virtual_device(state, name, kind)?;
    let severity = state.severity(device);
    // Inferred: clusters and hosts have the fields of the one kind that is documented, a machine.
    ok(json!({
        "DISPLAYNAME": device.display_name, "clusterMoName": the(state, "Nutanix-Cluster"), "hostName": the(state, "Nutanix-Host"),
        "VCPUCOUNT": 4, "VM_ID": device.moid + 3000, "statusStr": severity_name(severity), "TOOLSMOUNTED": false,
        "TOOLSVERSION": "1.0.0.0", "VM_POWERSTATE": "Powered On", "DISKCAPACITY": "150", "IPADDRESS": device.ip,
        "uuid": format!("00000000-0000-4000-8000-{:012}", device.moid), "deviceName": device.name,
        "MEMORYCAPACITY": "16", "statusNum": severity, "ISCONTROLLERVM": capital(false), "STATUS": picture(severity),
        "NOOFNETWORKADAPTERS": 1, "clusterName": the(state, "Nutanix-Cluster"), "hostMoName": the(state, "Nutanix-Host"), "MOID": device.moid,
        "MEMRESERVEDCAPACITY": "16", "ENTITYNAME": device.display_name,
    }))
}

//! Virtual infrastructure: VMware and Nutanix.
//!
//! Owns the answers of the virtualization part of the Devices tag. Only a status that follows from alarms changes them.

use serde_json::{Value, json};

use super::{Answer, Handlers, capital, ok, picture, severity_name, text};
use crate::{
    checks::{Arguments, Refusal},
    clock,
    state::{CLEAR, Device, State, UNMANAGED, no_such},
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

const VCENTER: &str = "vcenter-01";
const HOST: &str = "esx-01";

/// Machine, power state, memory in MB; only the first is monitored.
const MACHINES: [(&str, &str, i64); 3] = [
    ("vm-app-01", "On", 8192),
    ("vm-test-02", "Off", 2048),
    ("vm-old-03", "Off", 1024),
];

/// Data store, capacity, free space.
const STORES: [(&str, i64, i64); 2] = [("datastore-11", 2048, 184), ("datastore-12", 4096, 2210)];

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

/// Checks that the parent exists: the vCenter, the host, or one of `others`.
fn check_parent(arguments: &Arguments, third: &str, others: &[&str]) -> Result<(), Refusal> {
    let (name, kind) = (arguments.need("name")?, arguments.need("type")?);
    let known = match kind {
        "VCENTER" => name == VCENTER,
        "HOST" => name == HOST,
        _ => kind == third && others.contains(&name),
    };
    if known {
        Ok(())
    } else {
        Err(no_such(kind, name))
    }
}

/// The host is a monitored device, all else here is known from it alone. Inferred: the fields of other kinds than VHOST.
fn list_virtual_devices(state: &mut State, arguments: &Arguments) -> Answer {
    let kind = arguments.need("virtualDeviceType")?;
    if kind == "VHOST" {
        // Inferred: an array. The sample is one object, but the operation lists all.
        return ok(json!([{
            "VENDOR_NAME": "VMware", "BUILD_INFO": "VMware ESXi 8.0.2 build-00000", "CPU_PACKAGES": 2,
            "TotalDataStores": STORES.len(), "NUM_PNIC": 4, "OS_TYPE": "vmnix-x86",
            "CPU_MODEL": "Exemplar CPU @ 2.40GHz", "MAINTENANCE_MODE": false, "TotalVms": MACHINES.len(),
            "VCENTERDISPLAYNAME": VCENTER, "SYSUPTIME": clock::stamp(state.now - 40 * clock::DAY),
            "CONNECTION_STATUS": "connected", "CPU_THREADS": 48, "CPU_SPEED_MHZ": 2400, "HARDWARE_VENDOR": "Exemplar",
            "NUM_HBA": 2, "CPU_CORES": "24 x 2.40GHz", "LASTUPDATEDTIME": clock::stamp(state.now - 4 * clock::MINUTE),
            "MEM_CAPACITY_MB": "255 GB", "VCENTERNAME": "vcenter-01.corp.example",
            "UUID": "00000000-0000-4000-8000-000000000051", "HARDWARE_MODEL": "Exemplar H200", "ENTITYNAME": HOST,
            "POWER_STATE": "On",
        }]));
    }
    let names: Vec<&str> = match kind {
        "VM" => MACHINES.iter().map(|(name, ..)| *name).collect(),
        "VDATASTORE" => STORES.iter().map(|(name, ..)| *name).collect(),
        "VCENTER" => vec![VCENTER],
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
            "NO_OF_DATASTORES": STORES.len(), "STATUS_STR": "Unknown", "STATUS": text(UNMANAGED), "NO_OF_NETWORKS": 3,
            "ENTITY_NAME": "datacenter-a",
        },
    ]))
}

fn clusters(state: &mut State, arguments: &Arguments) -> Answer {
    vcenter(state, arguments)?;
    ok(json!([{
        "NO_OF_DATASTORES": STORES.len(), "STATUS_STR": severity_name(CLEAR), "STATUS": text(CLEAR),
        "NO_OF_NETWORKS": 3, "EFFECTIVE_CPU": 52_000, "NO_OF_HOSTS": 1, "TOTAL_CPU_GHZ": 57, "DRS_ENABLED": false,
        "DAS_ENABLED": true, "EFFECTIVE_MEMORY": 240_000, "ENTITY_NAME": "cluster-a", "TOTAL_MEMORY_GB": 255,
    }]))
}

fn vmware_machines(state: &mut State, arguments: &Arguments) -> Answer {
    check_parent(arguments, "DATASTORE", &STORES.map(|(name, ..)| name))?;
    let machine = |(&(name, power, memory), number): (&(&str, &str, i64), i64)| {
        let mut row = json!({
            "VM_CONNECTIONSTATE": "connected", "DISPLAYNAME": name, "VM_ID": 3300 + number,
            "VIRTUAL_TYPE": "VMware-VM", "NUM_ETHERNET": 1, "VM_POWERSTATE": power, "OS_NAME": "Linux (64-bit)",
            "NUM_VDISK": 2, "VHOST_ID": 2313, "MEMORY_MB": memory,
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
    ok(MACHINES
        .iter()
        .zip(1..)
        .map(machine)
        .collect::<Vec<_>>()
        .into())
}

fn data_stores(_: &mut State, arguments: &Arguments) -> Answer {
    check_parent(arguments, "VM", &MACHINES.map(|(name, ..)| name))?;
    let store = |(&(name, capacity, free), number): (&(&str, i64, i64), i64)| {
        json!({
            "HostCount": 1, "DATASTORENAME": name, "Datastore_ID": 3400 + number, "FILESYSTEM_TYPE": "VMFS",
            "CAPACITY_MB": capacity, "DATASTORE_URL": format!("ds:///vmfs/volumes/00000000-{name}/"),
            "MOID": 3500 + number, "FREESPACE_MB": free, "deviceName": name, "IS_ACCESSIBLE": "5",
        })
    };
    ok(STORES.iter().zip(1..).map(store).collect::<Vec<_>>().into())
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
        "DISPLAYNAME": device.display_name, "clusterMoName": "ntx-cluster-01", "hostName": "ntx-host-01",
        "VCPUCOUNT": 4, "VM_ID": device.moid + 3000, "statusStr": severity_name(severity), "TOOLSMOUNTED": false,
        "TOOLSVERSION": "1.0.0.0", "VM_POWERSTATE": "Powered On", "DISKCAPACITY": "150", "IPADDRESS": device.ip,
        "uuid": format!("00000000-0000-4000-8000-{:012}", device.moid), "deviceName": device.name,
        "MEMORYCAPACITY": "16", "statusNum": severity, "ISCONTROLLERVM": capital(false), "STATUS": picture(severity),
        "NOOFNETWORKADAPTERS": 1, "clusterName": "ntx-cluster-01", "hostMoName": "ntx-host-01", "MOID": device.moid,
        "MEMRESERVEDCAPACITY": "16", "ENTITYNAME": device.display_name,
    }))
}

//! The fleet, the tasks that wait and the faults that they ended in.

use std::collections::VecDeque;
use std::sync::MutexGuard;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::device::{Behaviour, Change, Device};
use super::fleet::fleet;
use super::query::at;
use crate::core::{PartnerState, keep, random, utc_time};

/// Modems and tasks kept; a script that makes more has a mistake.
const MAX_DEVICES: usize = 10_000;
const MAX_TASKS: usize = 1_000;

/// A task as `GET /tasks` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    #[serde(rename = "_id")]
    pub id: String,
    pub device: String,
    pub timestamp: String,
    /// `name`, `objectName` and whatever else was posted.
    #[serde(flatten)]
    pub body: Map<String, Value>,
    #[serde(skip)]
    queued_at: OffsetDateTime,
    #[serde(skip)]
    faulted: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Fleet {
    devices: Vec<Device>,
    pub(crate) tasks: VecDeque<Task>,
    pub(super) faults: Vec<Value>,
}

impl Fleet {
    pub(crate) fn seeded(now: OffsetDateTime) -> Self {
        Self { devices: fleet(now), ..Self::default() }
    }

    /// Every modem as it is now; tasks run with the reports that were due meanwhile.
    pub(super) fn devices(&mut self, now: OffsetDateTime) -> &mut Vec<Device> {
        for device in &mut self.devices {
            device.look(now);
        }
        let due: Vec<Task> = self.tasks.iter().filter(|task| !task.faulted).cloned().collect();
        for task in due {
            let reported = self.devices.iter().find(|device| device.id() == task.device);
            if let Some(at) = reported.map(|device| device.last_inform).filter(|at| *at > task.queued_at) {
                self.run(&task.id, at);
            }
        }
        &mut self.devices
    }

    /// Carries a task out; answers whether it is done.
    fn run(&mut self, id: &str, at: OffsetDateTime) -> bool {
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else { return true };
        let Some(device) = self.devices.iter_mut().find(|device| device.id() == task.device) else { return false };
        if device.behaviour == Behaviour::Faulting {
            task.faulted = true;
            let fault = format!("{}:task_{id}", task.device);
            self.faults.push(json!({
                "_id": fault, "device": task.device, "channel": format!("task_{id}"), "timestamp": utc_time(at),
                "code": "cwmp.9002", "message": "Internal error", "retries": 0,
            }));
            return false;
        }
        if task.body.get("name").and_then(Value::as_str) == Some("refreshObject") {
            let object = task.body.get("objectName").and_then(Value::as_str).unwrap_or_default().to_owned();
            device.refresh(&object, at);
        } else {
            device.inform(at);
        }
        self.tasks.retain(|task| task.id != id);
        true
    }

    /// Queues a task. With `wake` the modem is called, and if it answers the task runs at once.
    pub(super) fn add_task(
        &mut self,
        device: &str,
        body: Map<String, Value>,
        wake: bool,
        now: OffsetDateTime,
    ) -> Option<(Task, bool)> {
        let behaviour = self.devices(now).iter().find(|known| known.id() == device)?.behaviour;
        let (device, timestamp) = (device.to_owned(), utc_time(now));
        let task = Task { id: random::object_id(), device, timestamp, body, queued_at: now, faulted: false };
        keep(&mut self.tasks, task.clone(), MAX_TASKS);
        let awake = wake && matches!(behaviour, Behaviour::Online | Behaviour::Faulting);
        let done = awake && self.run(&task.id, now);
        Some((task, done))
    }

    /// The modem with that id, serial number or PPPoE user.
    pub(super) fn find(&mut self, which: &str) -> Option<&mut Device> {
        let names =
            ["VirtualParameters.pppUsername", "VirtualParameters.pppoeUsername", "Device.PPP.Interface.1.Username"];
        let is_it = |device: &Device, deep: bool| {
            let text = |path: &str| at(&device.document, path).and_then(Value::as_str);
            if deep {
                let wans = (1..=8).map(|n| {
                    format!("InternetGatewayDevice.WANDevice.1.WANConnectionDevice.{n}.WANPPPConnection.1.Username")
                });
                names.iter().any(|path| text(path) == Some(which))
                    || wans.into_iter().any(|path| text(&path) == Some(which))
            } else {
                device.id() == which || text("_deviceId._SerialNumber") == Some(which)
            }
        };
        let found = [false, true].into_iter().find_map(|deep| {
            let all = self.devices.iter().enumerate().filter(|(_, device)| is_it(device, deep));
            all.max_by_key(|(_, device)| device.last_inform).map(|(index, _)| index)
        })?;
        self.devices.get_mut(found)
    }

    pub(crate) fn add(&mut self, device: Device) {
        if self.devices.len() < MAX_DEVICES {
            self.devices.push(device);
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SimulateDevice {
    /// Its id, serial number or PPPoE user.
    pub(crate) device: String,
    pub(crate) change: Change,
}

pub(crate) type Genieacs = PartnerState<Fleet>;

impl Genieacs {
    /// The fleet, with everything done that was due.
    pub(crate) fn fleet_now(&self) -> MutexGuard<'_, Fleet> {
        let mut fleet = self.store();
        fleet.devices(self.clock.now());
        fleet
    }

    /// Changes a modem; its id, and for a swap the id of the new one.
    pub(crate) fn change(&self, which: &str, change: Change) -> Option<String> {
        let now = self.clock.now();
        let mut store = self.store();
        let device = store.find(which)?;
        let behave = |device: &mut Device, behaviour| {
            device.behaviour = behaviour;
            device.inform(now);
        };
        let mut id = device.id().to_owned();
        match change {
            Change::Online => behave(device, Behaviour::Online),
            Change::BehindNat => behave(device, Behaviour::BehindNat),
            Change::Slow => behave(device, Behaviour::Slow),
            Change::Faulting => behave(device, Behaviour::Faulting),
            Change::Offline => {
                device.behaviour = Behaviour::Offline;
                device.inform(now.saturating_sub(Duration::hours(3)));
            }
            Change::Connected | Change::Disconnected => {
                let username =
                    at(&device.document, "VirtualParameters.pppoeUsername").cloned().unwrap_or_else(|| which.into());
                let username = if change == Change::Connected { username } else { Value::from("") };
                device.set("VirtualParameters.pppUsername", username, now);
            }
            Change::Swapped => {
                let mut new = device.clone();
                device.behaviour = Behaviour::Offline;
                let serial = format!("48575443{}", random::digits(8));
                id = format!("00259E-HG8245H5-{serial}");
                new.document["_id"] = id.clone().into();
                new.document["_deviceId"] = json!({"_Manufacturer": "Huawei Technologies Co., Ltd", "_OUI": "00259E", "_ProductClass": "HG8245H5", "_SerialNumber": serial});
                new.document["_registered"] = utc_time(now).into();
                behave(&mut new, Behaviour::Online);
                store.add(new);
            }
        }
        Some(id)
    }

    /// Lets a test write what it likes.
    pub(crate) fn edit(&self, which: &str, edit: impl FnOnce(&mut Device)) {
        if let Some(device) = self.store().find(which) {
            edit(device);
        }
    }
}

//! A Lunas whose table is served by a thread of its own, and the customers.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use apply_payment::Apply;
use billing::payment::invoice::Invoice;
use billing::service::apply::ApplyRules;
use billing::service::customer::Profile;
use cloud::store::Store;
use relay_events::Relay;
use serde_json::Value;
use testkit::{World, table};

/// Name of the threads that serve the table: at most 15 letters, as Linux keeps them.
pub const TABLE_THREADS: &str = "dynamodb";

pub struct Shop {
    pub world: World,
    pub relay: Relay,
    pub apply: Apply,
    customers: Mutex<Vec<Option<(Profile, Invoice)>>>,
    /// Details of `payment.settled` that wait to be applied, as the queue holds them.
    pub to_apply: Mutex<VecDeque<Value>>,
    /// One at a time relays, as one shard of the stream does.
    pub relaying: tokio::sync::Mutex<()>,
    errors: Mutex<Vec<String>>,
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves an embedded DynamoDB on a thread of its own, so that its share of the work can be told; answers its address.
fn serve_table() -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let serve = move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().thread_name(TABLE_THREADS).build().unwrap();
        runtime.block_on(async {
            sender.send(table::serve().await).unwrap();
            std::future::pending::<()>().await;
        });
    };
    thread::Builder::new().name(TABLE_THREADS.to_owned()).spawn(serve).unwrap();
    receiver.recv().unwrap()
}

impl Shop {
    pub async fn open(customers: usize) -> Self {
        let mut world = World::start().await;
        let client = table::client(&serve_table());
        table::create(&client, table::NAME).await;
        world.app.store = Store::new(client.clone(), table::NAME.to_owned());
        world.aws.direct = client;
        let p = &world.app;
        let relay = Relay { store: p.store.clone(), bus: world.bus.clone(), clock: p.clock.clone() };
        let rules = ApplyRules { zone: p.settings.zone, late: p.settings.late_renewal };
        let apply = Apply { store: p.store.clone(), rules, clock: p.clock.clone() };
        let customers = Mutex::new((0..customers).map(|_| None).collect());
        let (to_apply, relaying, errors) = (Mutex::default(), tokio::sync::Mutex::default(), Mutex::default());
        Self { world, relay, apply, customers, to_apply, relaying, errors }
    }

    /// A customer with a bill.
    pub async fn enrol(&self, number: usize) {
        let profile = self.world.customer(&format!("c{number}"), &format!("0812{number:08}")).await;
        let invoice = self.world.invoice(&profile).await;
        locked(&self.customers)[number] = Some((profile, invoice));
        self.relay_once().await;
    }

    pub fn take(&self, number: usize) -> (Profile, Invoice) {
        locked(&self.customers)[number].take().expect("enrolled")
    }

    pub fn error(&self, what: String) {
        locked(&self.errors).push(what);
    }

    pub fn errors(&self) -> Vec<String> {
        locked(&self.errors).clone()
    }

    pub fn forget_errors(&self) {
        assert_eq!(self.errors(), Vec::<String>::new(), "the customers are enrolled");
    }
}

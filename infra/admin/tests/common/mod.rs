//! The command as an admin runs it, on a table of its own in an embedded DynamoDB.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use cloud::store::Store;
use serde_json::Value;
use testkit::table;
use tokio::runtime::Runtime;

pub const TABLE: &str = "lunas-dev-Table-1";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// An installation: one table, and a folder for files.
pub struct Deployment {
    pub runtime: Runtime,
    pub client: Client,
    pub store: Store,
    pub endpoint: String,
    folder: PathBuf,
}

/// What a command left.
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    #[track_caller]
    pub fn check(self, code: i32, words: &str) -> Self {
        assert!(
            self.code == code && (self.out.contains(words) || self.err.contains(words)),
            "{}\n{}\n{}",
            self.code,
            self.out,
            self.err
        );
        self
    }
}

impl Deployment {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let endpoint = runtime.block_on(table::serve());
        let client = table::client(&endpoint);
        runtime.block_on(table::create(&client, TABLE));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "admin-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let store = Store::new(client.clone(), TABLE.to_owned());
        Self { runtime, client, store, endpoint, folder }
    }

    /// With the packages `home20` and `home50`.
    pub fn with_packages() -> Self {
        let deployment = Self::new();
        let file = deployment.file("packages.csv", PACKAGES);
        deployment.lunas(&["packages", "import", &file]).check(0, "2 new");
        deployment
    }

    /// With one customer, `budi@isp`, whose id is `c01`.
    pub fn with_customer() -> Self {
        let deployment = Self::with_packages();
        let file =
            deployment.file("customers.csv", &customers(&["c01,Budi,0812-3456-7890,budi@isp,home20,2036-12-10,,"]));
        deployment.lunas(&["customers", "import", &file]).check(0, "1 new");
        deployment
    }

    /// Writes a file and answers its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command on the table.
    pub fn lunas(&self, arguments: &[&str]) -> Done {
        self.lunas_with(&[("LUNAS_TABLE", TABLE)], arguments)
    }

    /// Runs a command with other variables.
    pub fn lunas_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Done {
        let base = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test-secret"),
            ("AWS_REGION", "ap-southeast-3"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let done = Command::new(env!("CARGO_BIN_EXE_lunas"))
            .env_clear()
            .envs(base)
            .envs(variables.iter().copied())
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Done { code: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) }
    }

    /// Everything in the table, for comparing before and after.
    pub fn items(&self) -> BTreeMap<String, HashMap<String, AttributeValue>> {
        let scan = self.client.scan().table_name(TABLE).send();
        let found = self.runtime.block_on(scan).unwrap().items.unwrap_or_default();
        found.into_iter().map(|item| (format!("{:?} {:?}", item["PK"], item["SK"]), item)).collect()
    }
}

pub const PACKAGES: &str = "\
id,name,price,downMbps,upMbps,periodMonths,active
home20,Home 20 Mbps,225000,20,10,1,true
home50,Home 50 Mbps,300000,50,25,1,true
";

/// A customer file of these rows.
pub fn customers(rows: &[&str]) -> String {
    format!("id,name,phone,username,packageId,expiresAt,deviceId,ontSerial\n{}\n", rows.join("\n"))
}

//! `lunas credit adjust`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::common::{Deployment, TABLE};

impl Deployment {
    fn credit(&self) -> i64 {
        self.lunas(&["--json", "customers", "show", "c01"]).check(0, "").json()["customer"]["credit"].as_i64().unwrap()
    }

    fn adjust(&self, amount: &str, more: &[&str]) -> crate::common::Done {
        let amount = format!("--amount={amount}");
        let base = ["credit", "adjust", "--customer", "budi@isp", &amount, "--reason", "gangguan"];
        self.lunas(&[base.as_slice(), more].concat())
    }
}

#[test]
fn credit_is_adjusted_once_with_its_reason_and_the_books_agree() {
    let deployment = Deployment::with_customer();
    let before = deployment.items();
    deployment
        .lunas(&["--dry-run", "credit", "adjust", "--customer", "c01", "--amount", "50000", "--reason", "x"])
        .check(0, "dry run, not booked");
    // Nobody at the terminal: no answer is no.
    deployment.adjust("50000", &[]).check(1, "not confirmed");
    assert_eq!(deployment.items(), before);

    deployment.adjust("50000", &["--yes"]).check(0, "now Rp50.000 (gangguan)");
    deployment.adjust("50000", &["--yes"]).check(1, "was booked at").check(1, "--again");
    assert_eq!(deployment.credit(), 50_000, "Enter twice is once");
    deployment.adjust("50000", &["--yes", "--again"]).check(0, "now Rp100.000");
    deployment.adjust("-30000", &["--yes"]).check(0, "now Rp70.000");
    let entries: Vec<_> =
        deployment.items().into_values().filter(|item| item["SK"].as_s().unwrap().starts_with("LEDGER#")).collect();
    assert!(entries.len() == 3 && entries.iter().all(|entry| entry["reason"].as_s().unwrap() == "gangguan"));
    deployment.lunas(&["audit"]).check(0, "everything agrees");
}

#[test]
fn a_customer_owes_only_if_that_is_meant_and_a_slip_of_the_hand_is_refused() {
    let deployment = Deployment::with_customer();
    let before = deployment.items();
    deployment.adjust("-1", &["--yes"]).check(1, "--allow-negative");
    deployment.adjust("0", &["--yes"]).check(1, "zero");
    deployment.adjust("100000001", &["--yes"]).check(1, "in one step");
    deployment.adjust("lima", &["--yes"]).check(2, "invalid value");
    deployment
        .lunas(&["credit", "adjust", "--customer", "c01", "--amount", "1", "--reason", " ", "--yes"])
        .check(1, "give a reason");
    deployment
        .lunas(&["credit", "adjust", "--customer", "nobody", "--amount", "1", "--reason", "x", "--yes"])
        .check(1, "no customer has");
    assert_eq!(deployment.items(), before);
    deployment.adjust("-1", &["--yes", "--allow-negative"]).check(0, "now -Rp1");
    assert_eq!(deployment.credit(), -1);
}

#[test]
fn it_asks_before_it_books() {
    let deployment = Deployment::with_customer();
    for (answer, credit) in [("n\n", 0), ("\n", 0), ("y\n", 50_000)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lunas"));
        command
            .args(["credit", "adjust", "--customer", "c01", "--amount", "50000", "--reason", "gangguan"])
            .env_clear();
        command.envs([
            ("AWS_ENDPOINT_URL", deployment.endpoint.as_str()),
            ("LUNAS_TABLE", TABLE),
            ("AWS_REGION", "ap-southeast-3"),
        ]);
        command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(String::from_utf8(done.stderr).unwrap().contains("Go on? [y/N]"));
        assert_eq!((done.status.success(), deployment.credit()), (credit > 0, credit), "{answer:?}");
    }
}

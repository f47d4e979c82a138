//! The program as scripts start it.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Ends the program also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_writes_its_urls_and_serves_them() {
    let file = std::env::temp_dir().join(format!("lunas-sandbox-{}.json", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let child = Command::new(env!("CARGO_BIN_EXE_lunas-sandbox"))
        .args(["--retry-speedup", "60", "--webhook-base", "http://127.0.0.1:9", "--urls-file"])
        .arg(&file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(child);
    for _ in 0..500 {
        if file.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let urls: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    for partner in ["midtrans", "xendit", "whatsapp", "genieacs"] {
        let url = urls[partner].as_str().unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let page = reqwest::get(format!("{url}/")).await.unwrap().text().await.unwrap();
        assert!(page.contains("Lunas sandbox"), "{partner}");
    }
}

#[test]
fn the_program_refuses_to_notify_other_machines() {
    let output = Command::new(env!("CARGO_BIN_EXE_lunas-sandbox"))
        .args(["--webhook-base", "https://example.com"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not on this machine"));
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_ports() {
    let sandbox = lunas_sandbox::start(lunas_sandbox::Options::default()).await.unwrap();
    let url = sandbox.urls().midtrans;
    assert!(reqwest::get(&url).await.is_ok());
    sandbox.stop().await;
    assert!(reqwest::get(&url).await.is_err());
    let elsewhere =
        lunas_sandbox::Options { xendit_address: ([0, 0, 0, 0], 0).into(), ..lunas_sandbox::Options::default() };
    assert!(lunas_sandbox::start(elsewhere).await.is_err());
}

//! The gateways' own Node clients must not notice that they talk to the sandbox.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::process::Output;

/// A child process that is waited for on its own thread, so that the sandbox can answer it meanwhile.
async fn run(script: &Path, urls: [String; 2]) -> std::io::Result<Output> {
    let mut command = std::process::Command::new("node");
    command.arg(script).args(urls);
    tokio::task::spawn_blocking(move || command.output()).await.unwrap()
}

#[tokio::test]
async fn the_official_clients_work_against_the_sandbox() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("official-clients");
    assert!(
        folder.join("node_modules/midtrans-client").is_dir() && folder.join("node_modules/xendit-node").is_dir(),
        "the official clients are not installed: run `npm ci --prefix infra/sandbox/official-clients` first"
    );
    let sandbox = lunas_sandbox::start(lunas_sandbox::Options::default()).await.unwrap();
    let urls = [sandbox.urls().midtrans, sandbox.urls().xendit];
    let output = run(&folder.join("drive.mjs"), urls)
        .await
        .unwrap_or_else(|error| panic!("cannot run node ({error}): install Node.js 20 or newer first"));
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(sandbox.calls_of("midtrans.create") > 10);
    sandbox.stop().await;
}

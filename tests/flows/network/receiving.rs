//! The receivers of `docs/network.md`, against messages that were really sent.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use lunas_sandbox::Told;

use super::{DEMO_NETWORK_SECRET, OLD_SECRET, Provider};

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// What a program writes of a message, if it takes it.
fn output(mut program: Command, body: &str) -> Option<String> {
    let piped = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = piped.spawn().expect("sh, openssl and node are installed");
    // A program that refuses may not read to the end.
    let _ = child.stdin.take().unwrap().write_all(body.as_bytes());
    let done = child.wait_with_output().unwrap();
    done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
}

fn shell(told: &Told, body: &str, secret: &str) -> Option<String> {
    let mut program = Command::new("sh");
    program.arg(docs().join("network/verify.sh"));
    program.env("ID", &told.id).env("TIMESTAMP", &told.timestamp).env("SIGNATURE", &told.signature).env("SECRET", secret);
    output(program, body)
}

fn node(told: &Told, body: &str, secret: &str) -> Option<String> {
    let script = format!(
        "import {{ verify }} from {:?};
         import {{ readFileSync }} from 'node:fs';
         const headers = {{ 'webhook-id': process.env.ID, 'webhook-timestamp': process.env.TIMESTAMP, 'webhook-signature': process.env.SIGNATURE }};
         const said = verify(headers, readFileSync(0), process.env.SECRET);
         if (said === null) process.exit(1);
         process.stdout.write(JSON.stringify(said));",
        docs().join("network/verify.mjs")
    );
    let mut program = Command::new("node");
    program.args(["--input-type=module", "-e", &script]);
    program.env("ID", &told.id).env("TIMESTAMP", &told.timestamp).env("SIGNATURE", &told.signature).env("SECRET", secret);
    output(program, body)
}

#[tokio::test]
async fn the_examples_take_what_was_sent_and_nothing_else() {
    let mut provider = Provider::start().await;
    provider.pay_and_deliver().await;
    let told = provider.messages().remove(0);
    for (name, receive) in [("shell", shell as fn(&Told, &str, &str) -> Option<String>), ("node", node)] {
        assert_eq!(receive(&told, &told.body, DEMO_NETWORK_SECRET).as_deref(), Some(told.body.as_str()), "{name}");
        let several = Told { signature: format!("v1,AAAA v1a,BBBB {}", told.signature), ..told.clone() };
        assert_eq!(receive(&several, &told.body, DEMO_NETWORK_SECRET).as_deref(), Some(told.body.as_str()), "{name}: one of several");
        let refused = [
            ("another body", told.clone(), told.body.replace("true", "false"), DEMO_NETWORK_SECRET),
            ("another secret", told.clone(), told.body.clone(), OLD_SECRET),
            ("another id", Told { id: "c1-1".into(), ..told.clone() }, told.body.clone(), DEMO_NETWORK_SECRET),
            ("old", Told { timestamp: "1795402800".into(), ..told.clone() }, told.body.clone(), DEMO_NETWORK_SECRET),
            ("no timestamp", Told { timestamp: String::new(), ..told.clone() }, told.body.clone(), DEMO_NETWORK_SECRET),
            ("no number", Told { timestamp: "a[$(exit 3)]".into(), ..told.clone() }, told.body.clone(), DEMO_NETWORK_SECRET),
            ("no signature", Told { signature: String::new(), ..told.clone() }, told.body.clone(), DEMO_NETWORK_SECRET),
            ("half a signature", Told { signature: "v1,".into(), ..told.clone() }, told.body.clone(), DEMO_NETWORK_SECRET),
        ];
        for (what, told, body, secret) in refused {
            assert_eq!(receive(&told, &body, secret), None, "{name}: {what}");
        }
    }
}

#[test]
fn the_page_shows_the_files_as_they_are() {
    let page = fs::read_to_string(docs().join("network.md")).unwrap();
    for file in ["verify.sh", "verify.mjs", "verify.php"] {
        assert!(page.contains(&fs::read_to_string(docs().join("network").join(file)).unwrap()), "{file}");
    }
}

//! The receivers of `docs/how-to/network.md`, against messages that were really sent.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{DEMO_NETWORK_SECRET, OLD_SECRET, Provider};

/// A request that a receiver gets, and the secret that it knows.
#[derive(Clone)]
struct Request {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
    secret: &'static str,
}

/// What a receiver makes of a request: what it says, if it is authentic.
type Receiver = fn(&Request) -> Option<String>;

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to")
}

/// What a program writes of a request, if it takes it.
fn output(mut program: Command, request: &Request) -> Option<String> {
    program
        .env("ID", &request.id)
        .env("TIMESTAMP", &request.timestamp)
        .env("SIGNATURE", &request.signature)
        .env("SECRET", request.secret);
    let piped = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = piped.spawn().expect("sh, openssl and node are installed");
    // A program that refuses may not read to the end.
    let _ = child.stdin.take().unwrap().write_all(request.body.as_bytes());
    let done = child.wait_with_output().unwrap();
    done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
}

fn shell(request: &Request) -> Option<String> {
    let mut program = Command::new("sh");
    program.arg(docs().join("network/verify.sh"));
    output(program, request)
}

fn node(request: &Request) -> Option<String> {
    let script = format!(
        "import {{ verify }} from '{}';
         import {{ readFileSync }} from 'node:fs';
         const {{ ID, TIMESTAMP, SIGNATURE, SECRET }} = process.env;
         const headers = {{ 'webhook-id': ID, 'webhook-timestamp': TIMESTAMP, 'webhook-signature': SIGNATURE }};
         const said = verify(headers, readFileSync(0), SECRET);
         if (said === null) process.exit(1);
         process.stdout.write(JSON.stringify(said));",
        docs().join("network/verify.mjs").display()
    );
    let mut program = Command::new("node");
    program.args(["--input-type=module", "-e", &script]);
    output(program, request)
}

#[tokio::test]
async fn the_examples_take_what_was_sent_and_nothing_else() {
    let mut provider = Provider::start().await;
    provider.pay_and_deliver().await;
    let told = provider.messages().remove(0);
    let (id, timestamp, signature, body) = (told.id, told.timestamp, told.signature, told.body);
    let sent = Request { id, timestamp, signature, body, secret: DEMO_NETWORK_SECRET };
    let receivers: [(&str, Receiver); 2] = [("shell", shell), ("node", node)];
    for (name, receive) in receivers {
        assert_eq!(receive(&sent).as_deref(), Some(sent.body.as_str()), "{name}");
        let several = Request { signature: format!("v1,AAAA v1a,BBBB {}", sent.signature), ..sent.clone() };
        assert_eq!(receive(&several).as_deref(), Some(sent.body.as_str()), "{name}: one of several");
        for (what, refused) in [
            ("another body", Request { body: sent.body.replace("true", "false"), ..sent.clone() }),
            ("another secret", Request { secret: OLD_SECRET, ..sent.clone() }),
            ("another id", Request { id: "c1-1".into(), ..sent.clone() }),
            ("old", Request { timestamp: "1795402800".into(), ..sent.clone() }),
            ("no timestamp", Request { timestamp: String::new(), ..sent.clone() }),
            ("no number", Request { timestamp: "a[$(exit 3)]".into(), ..sent.clone() }),
            ("no signature", Request { signature: String::new(), ..sent.clone() }),
            ("half a signature", Request { signature: "v1,".into(), ..sent.clone() }),
        ] {
            assert_eq!(receive(&refused), None, "{name}: {what}");
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

//! `lunas queues` and `lunas redrive`, against a stand-in of SQS that keeps messages in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};

use crate::common::{Deployment, Done, TABLE};

const REDRIVE: &str = "lunas-dev-ApplyDeadLetters-1";

/// Messages by queue: visible, and received but not deleted.
#[derive(Default)]
struct Sqs {
    visible: BTreeMap<String, VecDeque<String>>,
    hidden: BTreeMap<String, Vec<String>>,
    /// Deleting fails from now on.
    broken: bool,
}

type Shared = Arc<Mutex<Sqs>>;

async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    asked: String,
) -> (axum::http::StatusCode, Json<Value>) {
    let asked: Value = serde_json::from_str(&asked).unwrap();
    let mut sqs = shared.lock().unwrap();
    let name = asked["QueueUrl"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    let answer = match operation.as_str() {
        "ListQueues" => {
            let prefix = asked["QueueNamePrefix"].as_str().unwrap();
            let urls =
                sqs.visible.keys().filter(|name| name.starts_with(prefix)).map(|name| format!("http://sqs/1/{name}"));
            json!({"QueueUrls": urls.collect::<Vec<_>>()})
        }
        "GetQueueAttributes" => {
            let mut attributes = json!({
                "QueueArn": format!("arn:aws:sqs:ap-southeast-3:1:{name}"),
                "ApproximateNumberOfMessages": sqs.visible[&name].len().to_string(),
                "ApproximateNumberOfMessagesNotVisible": sqs.hidden.get(&name).map_or(0, Vec::len).to_string(),
            });
            if name.contains("-ApplyQueue-") {
                attributes["RedrivePolicy"] =
                    json!({"deadLetterTargetArn": format!("arn:aws:sqs:ap-southeast-3:1:{REDRIVE}"), "maxReceiveCount": 5})
                        .to_string()
                        .into();
            }
            json!({"Attributes": attributes})
        }
        "ReceiveMessage" => {
            let most = usize::try_from(asked["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
            let queue = sqs.visible.get_mut(&name).unwrap();
            let taken: Vec<String> = queue.drain(..most.min(queue.len())).collect();
            sqs.hidden.entry(name).or_default().extend(taken.clone());
            let view = |body: &String| json!({"MessageId": body, "ReceiptHandle": body, "Body": body, "Attributes": {"SentTimestamp": "1795402800000"}});
            json!({"Messages": taken.iter().map(view).collect::<Vec<_>>()})
        }
        "ChangeMessageVisibility" | "DeleteMessage" => {
            if sqs.broken && operation == "DeleteMessage" {
                return (
                    axum::http::StatusCode::BAD_REQUEST,
                    Json(json!({"__type": "com.amazonaws.sqs#AccessDenied", "message": "no"})),
                );
            }
            let handle = asked["ReceiptHandle"].as_str().unwrap();
            sqs.hidden.get_mut(&name).unwrap().retain(|body| body != handle);
            if operation == "ChangeMessageVisibility" {
                sqs.visible.get_mut(&name).unwrap().push_back(handle.to_owned());
            }
            json!({})
        }
        "SendMessage" => {
            let body = asked["MessageBody"].as_str().unwrap().to_owned();
            sqs.visible.get_mut(&name).unwrap().push_back(body);
            json!({"MessageId": "m", "MD5OfMessageBody": ""})
        }
        other => panic!("{other} is not used"),
    };
    (axum::http::StatusCode::OK, Json(answer))
}

/// The queues of stage dev, with so many dead letters, and one of another stage.
fn with_dead_letters(count: usize) -> (Deployment, Shared, String) {
    let deployment = Deployment::new();
    let shared = Shared::default();
    let names = ["lunas-dev-ApplyQueue-1", REDRIVE, "lunas-dev-UndeliveredEvents-1", "lunas-prod-ApplyDeadLetters-1"];
    shared.lock().unwrap().visible = names.map(|name| (name.to_owned(), VecDeque::new())).into();
    for name in [REDRIVE, "lunas-prod-ApplyDeadLetters-1"] {
        shared.lock().unwrap().visible.insert(name.to_owned(), (0..count).map(|n| format!("dead {n}")).collect());
    }
    let app = Router::new().route("/", post(answer)).with_state(shared.clone());
    let listener = deployment.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    deployment.runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (deployment, shared, url)
}

fn lunas(deployment: &Deployment, url: &str, arguments: &[&str]) -> Done {
    deployment.lunas_with(&[("LUNAS_TABLE", TABLE), ("AWS_ENDPOINT_URL_SQS", url)], arguments)
}

fn waiting(shared: &Shared, name: &str) -> usize {
    shared.lock().unwrap().visible[name].len()
}

#[test]
fn dead_letters_are_shown_and_sent_back_where_they_failed() {
    let (deployment, shared, url) = with_dead_letters(25);
    let shown = lunas(&deployment, &url, &["--json", "queues"]).check(0, "").json();
    assert_eq!((&shown["dead"], shown["queues"].as_array().unwrap().len()), (&json!(25), 3), "{shown:#}");
    assert_eq!(shown["queues"][0]["deadLettersOf"], "lunas-dev-ApplyQueue-1");
    lunas(&deployment, &url, &["queues"]).check(0, "25 dead letters").check(0, "2026-11-23");
    assert_eq!(waiting(&shared, REDRIVE), 25, "looking takes nothing out");

    lunas(&deployment, &url, &["--dry-run", "redrive"]).check(0, "dry run, not sent: 25");
    lunas(&deployment, &url, &["redrive", "--limit", "3"]).check(1, "stopped at 3");
    assert_eq!(waiting(&shared, "lunas-dev-ApplyQueue-1"), 3);
    assert_eq!(waiting(&shared, REDRIVE), 22, "the others are not even hidden");
    lunas(&deployment, &url, &["redrive", "--queue", "Apply"])
        .check(0, "22 of lunas-dev-ApplyDeadLetters-1 to lunas-dev-ApplyQueue-1");
    assert_eq!((waiting(&shared, REDRIVE), waiting(&shared, "lunas-dev-ApplyQueue-1")), (0, 25));
    assert_eq!(waiting(&shared, "lunas-prod-ApplyDeadLetters-1"), 25, "another stage's are left alone");
    lunas(&deployment, &url, &["queues"]).check(0, "no dead letters");
}

#[test]
fn a_message_is_sent_before_it_is_taken_out_and_what_is_missing_is_said() {
    let (deployment, shared, url) = with_dead_letters(2);
    shared.lock().unwrap().broken = true;
    lunas(&deployment, &url, &["redrive"]).check(2, "repeating the command is safe");
    let here = shared.lock().unwrap().hidden[REDRIVE].len();
    assert_eq!((waiting(&shared, "lunas-dev-ApplyQueue-1"), here), (1, 2), "there twice, never gone");
    lunas(&deployment, &url, &["redrive", "--queue", "Undelivered"]).check(1, "told again by themselves");
    lunas(&deployment, &url, &["--stage", "test", "queues"]).check(1, "no queue lunas-test-");
}

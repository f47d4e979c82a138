//! `lunas doctor acs`: asks GenieACS as the functions do, and says what is wrong.

use std::{fmt::Write as _, time::Instant};

use cloud::secrets::Secrets;
use devices::look::{Found, Look, look};
use devices::matching::{Evidence, SubscriberLine, usernames};
use devices::memory::Memory;
use devices::names::{Meaning, PPP_USERNAME, VIRTUAL};
use devices::nbi::{Deadline, LIMIT, without_secrets};
use devices::reading::PppoeSession;
use devices::secret::Acs;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{ALL_DONE, Console, SOME_REFUSED, find};

/// Devices that a search found and that are not the customer's: shown.
const SHOWN: usize = 5;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Note,
    Wrong,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    text: String,
}

/// What was found, as it grows.
#[derive(Debug, Default)]
struct Diagnosis {
    checks: Vec<Check>,
    won: Value,
    raw: Value,
}

impl Diagnosis {
    fn add(&mut self, name: &'static str, verdict: Verdict, text: impl Into<String>) {
        self.checks.push(Check { name, verdict, text: text.into() });
    }

    fn end(&self, console: &Console) -> anyhow::Result<u8> {
        let mut human = String::new();
        for Check { name, verdict, text } in &self.checks {
            let mark = match verdict {
                Verdict::Ok => "ok   ",
                Verdict::Note => "note ",
                Verdict::Wrong => "WRONG",
            };
            let _ = writeln!(human, "{mark}  {name:<19} {text}");
        }
        for (meaning, path) in self.won.as_object().into_iter().flatten() {
            let _ = writeln!(human, "       {meaning:<19} {}", path.as_str().unwrap_or("not told"));
        }
        if !self.raw.is_null() {
            let _ = writeln!(human, "raw answer, without secrets:\n{:#}", self.raw);
        }
        let wrong = self.checks.iter().any(|check| check.verdict == Verdict::Wrong);
        console
            .ui
            .result(&human, &json!({"success": !wrong, "checks": self.checks, "won": self.won, "raw": self.raw}))?;
        Ok(if wrong { SOME_REFUSED } else { ALL_DONE })
    }
}

/// Looks at GenieACS, and at a customer's modem if one is named.
pub(crate) async fn acs(console: &Console, secrets: &Secrets, customer: Option<&str>) -> anyhow::Result<u8> {
    let profile = match customer {
        Some(text) => Some(find::customer(console, text).await?),
        None => None,
    };
    let mut report = Diagnosis::default();
    let rows = secrets.rows("genieacs").await?;
    // This machine is the admin's own: a stand-in on it may be asked.
    let acs = match Acs::from_secret(&rows, true) {
        Ok(Some(acs)) => acs,
        Ok(None) => {
            report.add(
                "address",
                Verdict::Wrong,
                "the row url of the secret genieacs is empty; README, \"Status of modems\"",
            );
            return report.end(console);
        }
        Err(error) => {
            report.add("address", Verdict::Wrong, error.to_string());
            return report.end(console);
        }
    };
    let Some(scripts) = reach(&mut report, &acs).await else { return report.end(console) };
    match profile {
        None => general(&mut report, &scripts),
        Some(profile) => {
            remembered(&mut report, console, &profile.id).await?;
            modem(&mut report, console, &acs, &SubscriberLine::of(&profile), &scripts).await;
        }
    }
    report.end(console)
}

/// 1: is it reached, and how fast? The virtual parameters that it has scripts for.
async fn reach(report: &mut Diagnosis, acs: &Acs) -> Option<Vec<String>> {
    let begun = Instant::now();
    let answered = acs.nbi.virtual_parameters(Deadline::after(LIMIT)).await;
    let address = acs.nbi.address();
    match answered {
        Ok(scripts) => {
            let ms = begun.elapsed().as_millis();
            report.add(
                "1 reached",
                Verdict::Ok,
                format!("{address} answered in {ms} ms, from this machine; the functions ask from AWS"),
            );
            Some(scripts)
        }
        Err(error) => {
            report.add("1 reached", Verdict::Wrong, format!("{address}: {error}"));
            None
        }
    }
}

/// 2 and 3 without a modem: what scripts are there?
fn general(report: &mut Diagnosis, scripts: &[String]) {
    let verdict = if scripts.is_empty() { Verdict::Note } else { Verdict::Ok };
    report.add("2 virtual params", verdict, format!("the ACS has {}: {}", scripts.len(), scripts.join(", ")));
    let script = PPP_USERNAME.trim_start_matches("VirtualParameters.");
    let (verdict, text) = if scripts.iter().any(|name| name == script) {
        (Verdict::Ok, "the ACS has a script of this name")
    } else {
        (Verdict::Note, "the ACS has no script of this name; the other names are used")
    };
    report.add("3 pppUsername", verdict, text);
    report.add("4 last inform", Verdict::Note, "add --customer to look at a modem");
}

/// What the functions know: proof that they reach the ACS from AWS.
async fn remembered(
    report: &mut Diagnosis,
    console: &Console,
    customer: &billing::id::CustomerId,
) -> anyhow::Result<()> {
    let remembered = console.store.device_memory::<Memory>(customer).await?;
    let (verdict, text) = match remembered.memory {
        Some(memory) => {
            let what = memory.reading.map_or_else(|| "that there is no modem".to_owned(), |reading| reading.device_id);
            (Verdict::Ok, format!("they had an answer {}: {what}", console.ui.time(memory.asked_at)))
        }
        None => (
            Verdict::Note,
            "they had no answer for this customer yet; open the customer's page and run this again".to_owned(),
        ),
    };
    report.add("functions", verdict, text);
    Ok(())
}

async fn modem(report: &mut Diagnosis, console: &Console, acs: &Acs, line: &SubscriberLine, scripts: &[String]) {
    let now = console.clock.now();
    let begun = Instant::now();
    let looked = look(acs, line, None, true, now, Deadline::after(LIMIT)).await;
    let ms = begun.elapsed().as_millis();
    match looked {
        Ok(Look { found: Some(found), .. }) => {
            report.add(
                "modem",
                Verdict::Ok,
                format!("{} found by {} in {ms} ms", found.reading.device_id, by(found.evidence)),
            );
            parameters(report, &found.raw, scripts);
            pppoe(report, &found);
            inform(report, console, acs, &found, now);
            values(report, &found);
        }
        Ok(Look { found: None, .. }) => not_found(report, acs, line).await,
        Err(error) => report.add(
            "modem",
            Verdict::Wrong,
            format!("{error} ({ms} ms). Asked for another customer it may answer: then this modem is slow"),
        ),
    }
}

const fn by(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Id => "its device id",
        Evidence::Serial => "its serial number",
        Evidence::Username => "its PPPoE user name",
        Evidence::Tag => "the phone as its tag",
    }
}

/// Whose are the devices that the query brought up?
async fn not_found(report: &mut Diagnosis, acs: &Acs, line: &SubscriberLine) {
    let known = [
        line.device_id.as_deref().map(|_| "device id"),
        line.ont_serial.as_deref().map(|_| "serial"),
        line.phone.as_ref().map(|_| "phone"),
    ];
    let known: Vec<&str> = known.into_iter().flatten().chain(["PPPoE user name"]).collect();
    let found = acs.nbi.search(line, Deadline::after(LIMIT)).await.unwrap_or_default();
    let mut text = format!("no modem is this customer's; asked for: {}", known.join(", "));
    for device in found.iter().take(SHOWN) {
        let names = usernames(device, acs.nbi.names());
        let why = if names.is_empty() {
            "only its tag fits, as that of others does".to_owned()
        } else {
            format!("dials in as {}", names.join(", "))
        };
        let _ = write!(text, "; {} is not shown: {why}", device["_id"].as_str().unwrap_or("?"));
    }
    report.add("modem", Verdict::Wrong, text);
}

/// 2: has the modem virtual parameters, and do they say something?
fn parameters(report: &mut Diagnosis, raw: &Value, scripts: &[String]) {
    let of_modem = raw[VIRTUAL].as_object();
    let with_value = of_modem.into_iter().flatten().filter(|(_, leaf)| leaf.get("_value").is_some());
    let names: Vec<&str> = with_value.map(|(name, _)| name.as_str()).collect();
    let text = format!(
        "the ACS has {} scripts, this modem values of {}",
        scripts.len(),
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    );
    report.add("2 virtual params", if names.is_empty() { Verdict::Note } else { Verdict::Ok }, text);
}

/// 3: the name that decides.
fn pppoe(report: &mut Diagnosis, found: &Found) {
    let node = raw_at(&found.raw, PPP_USERNAME);
    let said = found.reading.pppoe.as_ref();
    let state = match said.map(|pppoe| pppoe.session) {
        Some(PppoeSession::Up) => "connected",
        Some(PppoeSession::Down) => "disconnected",
        None => "nothing is said of PPPoE",
    };
    let text = match node.and_then(|leaf| leaf.get("_value")) {
        Some(Value::String(name)) if !name.trim().is_empty() => format!("exists, {name:?}: {state}"),
        Some(_) => format!("exists and is empty, so no other name counts: {state}"),
        None if node.is_some() => {
            format!("exists without a value, its script was not run for this modem: {state} by the other names")
        }
        None => format!("does not exist: {state} by the other names"),
    };
    report.add("3 pppUsername", if said.is_some() { Verdict::Ok } else { Verdict::Note }, text);
}

fn raw_at<'a>(raw: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(raw, |node, name| node.get(name))
}

/// 4: when did it last report, and was it time?
fn inform(report: &mut Diagnosis, console: &Console, acs: &Acs, found: &Found, now: OffsetDateTime) {
    let reading = &found.reading;
    let interval = reading.interval_s.map_or_else(
        || format!("it does not tell its interval, {} s are taken", acs.freshness.default_interval_s),
        |seconds| format!("its interval is {seconds} s"),
    );
    let (verdict, text) = match reading.last_inform {
        None => (Verdict::Wrong, "never: offline".to_owned()),
        Some(at) if reading.is_online(acs.freshness, now) => (Verdict::Ok, format!("{}: online", console.ui.time(at))),
        Some(at) => (
            Verdict::Wrong,
            format!(
                "{}: offline, longer ago than {} s",
                console.ui.time(at),
                reading.patience(acs.freshness).whole_seconds()
            ),
        ),
    };
    report.add("4 last inform", verdict, format!("{text}; {interval}"));
}

/// 5: which name won for each value, and the answer itself.
fn values(report: &mut Diagnosis, found: &Found) {
    let won = Meaning::ALL.into_iter().map(|meaning| {
        let value = found.reading.won.get(&meaning).map(|path| {
            let leaf = raw_at(&found.raw, path);
            let value = leaf.map(|leaf| leaf.get("_value").unwrap_or(leaf)).cloned().unwrap_or_default();
            let read = leaf
                .and_then(|leaf| leaf.get("_timestamp"))
                .and_then(Value::as_str)
                .map_or(String::new(), |at| format!(", read {at}"));
            format!("{path} = {value}{read}")
        });
        (meaning.words().to_owned(), value.into())
    });
    report.won = Value::Object(won.collect());
    report.raw = without_secrets(&found.raw);
    let told = found.reading.won.len();
    let bytes = found.raw.to_string().len();
    let text =
        format!("{bytes} bytes, {told} of {} values told; below, after the name that won for each", Meaning::ALL.len());
    report.add("5 raw answer", Verdict::Ok, text);
}

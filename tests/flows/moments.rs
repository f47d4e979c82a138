//! All flows at the moments when something ends: a year, February, a month, a day, quiet hours, the validity of a code, a
//! session or a link; in each of the three zones.
//!
//! One table of moments, one story. Each moment is a world of its own whose clock, and whose gateways' clock, is put
//! there; nobody sleeps.

use std::collections::BTreeMap;

use billing::access::login::VALID_FOR;
use billing::audit;
use billing::language::Language;
use billing::money::Rupiah;
use billing::payment::invoice::Invoice;
use billing::payment::link::LEAST_TIME_LEFT;
use billing::service::customer::Profile;
use billing::service::upgrade::UpgradePricing;
use billing::telling::event::Stage;
use billing::telling::notice::QuietHours;
use billing::zone::{Zone, format};
use cloud::app::App;
use serde_json::{Value, json};
use testkit::World;
use testkit::notification::Notification;
use testkit::request::{answer, from_browser, request};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, Month, OffsetDateTime, Time, util};

use crate::api::{customer_account, customer_session, request_upgrade};
use crate::journey::{Journey, account_of};

/// A moment of the provider's clock at which something ends and something else begins.
struct Moment {
    name: &'static str,
    leap_year: bool,
    month: Month,
    day: u8,
    hour: u8,
}

const fn moment(name: &'static str, leap_year: bool, month: Month, day: u8, hour: u8) -> Moment {
    Moment { name, leap_year, month, day, hour }
}

const MOMENTS: [Moment; 6] = [
    moment("New Year", false, Month::January, 1, 0),
    moment("29 February begins", true, Month::February, 29, 0),
    moment("29 February ends", true, Month::March, 1, 0),
    moment("28 February ends", false, Month::March, 1, 0),
    moment("quiet hours end, on a day that the next month has not", false, Month::January, 31, 8),
    moment("quiet hours begin, on the last of a month", false, Month::April, 30, 21),
];

/// From 21:00 to 08:00.
const QUIET_HOURS: &str = "21-8";
/// "Just before": more than a slow machine needs for what is done then.
const MARGIN: Duration = Duration::minutes(2);
/// "Just after": the clocks are put forward by whole seconds.
const AFTER: Duration = Duration::SECOND;

impl Moment {
    /// In a year that is not near: what comes before it is in the future, too.
    fn at(&self, zone: Zone) -> OffsetDateTime {
        let this_year = cloud::clock::Clock::default().now().year();
        let mut years = this_year + 2..this_year + 12;
        let year = years.find(|year| util::is_leap_year(*year) == self.leap_year).unwrap();
        let day = Date::from_calendar_date(year, self.month, self.day).unwrap();
        zone.at(day, Time::from_hms(self.hour, 0, 0).unwrap())
    }
}

/// A customer of the story.
struct Person {
    profile: Profile,
    phone: String,
}

/// One world around one moment.
struct Story {
    journey: Journey,
    /// The same, for a provider who charges the difference.
    prorated: App,
    zone: Zone,
    at: OffsetDateTime,
    people: BTreeMap<&'static str, Person>,
    /// What a failure is reported with.
    name: String,
}

/// What ends within the minute before the moment.
struct Ending {
    session: String,
    code: String,
    other_code: String,
    link: String,
}

/// A change that is agreed to: what was shown, and the link to pay it.
struct Chosen {
    preview: Value,
    link: String,
}

/// What was begun before the moment and is not at its end.
struct Begun {
    /// Paid, and the gateway's word of it is under way.
    notifications: Vec<Notification>,
    later: Chosen,
    difference: Chosen,
}

#[tokio::test]
async fn at_every_turn_of_the_clock_in_wib_what_is_told_is_what_is_stored() {
    play_all(Zone::Jakarta).await;
}

#[tokio::test]
async fn at_every_turn_of_the_clock_in_wita_what_is_told_is_what_is_stored() {
    play_all(Zone::Makassar).await;
}

#[tokio::test]
async fn at_every_turn_of_the_clock_in_wit_what_is_told_is_what_is_stored() {
    play_all(Zone::Jayapura).await;
}

async fn play_all(zone: Zone) {
    for moment in &MOMENTS {
        let mut story = Story::open(zone, moment).await;
        let ending = story.prepare().await;
        let begun = story.just_before(&ending).await;
        story.just_after(&ending, begun).await;
        story.bills_wait_for_the_morning().await;
        story.an_unpaid_bill_is_reminded_of().await;
        story.service_ends().await;
        story.audit().await;
    }
}

impl Story {
    /// The clock stands 31 days before the moment, so that a session of 30 days can end at it.
    async fn open(zone: Zone, moment: &Moment) -> Self {
        let at = moment.at(zone);
        let mut world = World::start().await;
        world.app = world.with_settings(|settings| {
            settings.zone = zone;
            settings.quiet_hours = QuietHours::parse(QUIET_HOURS).unwrap();
            settings.requests_per_address = 1_000;
        });
        put_clocks(&world, at - Duration::days(31));
        let prorated = world.with_settings(|settings| settings.upgrade_pricing = UpgradePricing::Prorated);
        let mut journey = Journey::start_in(world).await;
        journey.telling = true;
        for (id, price) in [("home20", 300_000), ("home50", 500_000)] {
            journey.world.offer(id, price).await;
        }
        let budi = Person { profile: journey.customer.clone(), phone: "6281234567890".to_owned() };
        let mut people = BTreeMap::from([("budi", budi)]);
        let today = zone.date(at - MARGIN);
        for (number, (who, days)) in [
            ("on the last day", 0),
            ("late, before", -3),
            ("late, after", -3),
            ("changes", 10),
            ("changes later", 10),
            ("pays a difference", 10),
            ("billed before", 10),
            ("billed after", 10),
        ]
        .into_iter()
        .enumerate()
        {
            let phone = format!("62812000000{number:02}");
            let last_day = today + Duration::days(days);
            let profile = journey.world.customer_until(&format!("user{number}"), &phone, last_day).await;
            people.insert(who, Person { profile, phone });
        }
        Self { journey, prorated, zone, at, people, name: format!("{}, {zone}", moment.name) }
    }

    /// A session, two codes and a link whose ends are within the minute before the moment.
    async fn prepare(&mut self) -> Ending {
        let end = self.at - Duration::MINUTE;
        self.put(end - self.journey.world.app.settings.session_lifetime);
        let code = self.new_code("budi").await;
        let session = self.try_code("budi", &code).await.1["token"].as_str().unwrap().to_owned();
        self.put(end - self.journey.world.app.settings.link_lifetime + LEAST_TIME_LEFT);
        let link = self.link("budi").await;
        self.put(end - VALID_FOR);
        Ending { session, code: self.new_code("budi").await, other_code: self.new_code("changes").await, link }
    }

    async fn just_before(&mut self, ending: &Ending) -> Begun {
        self.put(self.at - MARGIN);
        assert_eq!(self.me(&ending.session).await.0, 200, "{}: a session just before its end", self.name);
        assert_eq!(self.try_code("budi", &ending.code).await.0, 200, "{}: a code just before its end", self.name);
        assert_eq!(self.link("budi").await, ending.link, "{}: a link just before its end", self.name);

        // Paid before the moment, told of after it.
        for who in ["on the last day", "late, before"] {
            self.bill(who).await;
            let link = self.link(who).await;
            self.journey.pay(&link).await;
        }
        let notifications = self.journey.undelivered.drain(..).collect();

        let changes = self.choose("changes", &self.journey.world.app).await;
        self.journey.pay(&changes.link).await;
        self.journey.until_quiet().await;
        let end = self.served("changes", instant(&changes.preview["newExpiresAt"])).await;
        assert_eq!(end.credit, Rupiah::ZERO, "{}", self.name);
        let later = self.choose("changes later", &self.journey.world.app).await;
        let difference = self.choose("pays a difference", &self.prorated).await;
        self.bill_by_message("billed before").await;
        Begun { notifications, later, difference }
    }

    async fn just_after(&mut self, ending: &Ending, begun: Begun) {
        self.put(self.at + AFTER);
        assert_eq!(self.me(&ending.session).await.0, 401, "{}: a session just after its end", self.name);
        assert_eq!(
            self.try_code("changes", &ending.other_code).await.0,
            401,
            "{}: a code just after its end",
            self.name
        );
        let link = self.link("budi").await;
        assert_ne!(link, ending.link, "{}: a link just after its end", self.name);
        self.bill_by_message("billed after").await;

        // Who paid in time has expired meanwhile, as far as anybody could know.
        self.journey.run_billing().await;
        self.journey.undelivered.extend(begun.notifications);
        self.bill("late, after").await;
        let late = self.link("late, after").await;
        for link in [&link, &late, &begun.later.link, &begun.difference.link] {
            self.journey.pay(link).await;
        }
        self.journey.until_quiet().await;

        let on_time = self.people["on the last day"].profile.entitlement.clone();
        let next = self.zone.add_months(on_time.expires_at, 1, on_time.anchor_day).unwrap();
        self.served("on the last day", next).await;
        for (who, paid_before) in [("late, before", true), ("late, after", false), ("budi", false)] {
            let paid_at = self.paid_at(who).await;
            assert_eq!(paid_at < self.at, paid_before, "{}: {who} paid at {paid_at}", self.name);
            let month = self.zone.add_months(paid_at, 1, self.zone.date(paid_at).day()).unwrap();
            self.served(who, self.zone.end_of(self.zone.date(month))).await;
        }
        // Agreed to before the moment and paid after it: never less than was shown.
        let shown = instant(&begun.later.preview["newExpiresAt"]);
        let later = self.profile("changes later").await.entitlement.expires_at;
        // A month from 28 February ends on 28 March, one from 1 March on 1 April.
        assert!((0..=4).contains(&(later - shown).whole_days()), "{}: {shown}, then {later}", self.name);
        self.served("changes later", later).await;
        let shown = instant(&begun.difference.preview["newExpiresAt"]);
        assert_eq!(shown, self.people["pays a difference"].profile.entitlement.expires_at, "{}", self.name);
        let paid = self.served("pays a difference", shown).await;
        assert!(paid.credit.get() >= begun.difference.preview["credit"].as_i64().unwrap(), "{}", self.name);
    }

    /// A bill that is written in quiet hours is told when they end, and not before.
    async fn bills_wait_for_the_morning(&mut self) {
        let mut last = self.journey.now();
        for who in ["billed before", "billed after"] {
            let issued_at = self.journey.world.invoice_now(&self.open_bill(who).await).await.created_at;
            let Some(morning) = self.journey.world.app.settings.quiet_hours.end(self.zone, issued_at) else {
                assert_eq!(self.inbox(who).len(), 1, "{}: {who}", self.name);
                continue;
            };
            assert_eq!(self.zone.at(self.zone.date(morning), time::macros::time!(08:00)), morning, "{}", self.name);
            if self.journey.now() < morning - MARGIN {
                self.put(morning - MARGIN);
                self.journey.send_waiting().await;
                assert_eq!(self.inbox(who).len(), 0, "{}: {who}", self.name);
            }
            last = last.max(morning + AFTER);
        }
        self.put(last.max(self.journey.now()));
        self.journey.send_waiting().await;
        for who in ["billed before", "billed after"] {
            let inbox = self.inbox(who);
            let due = Language::Indonesian.date(self.open_bill(who).await.due_date);
            assert_eq!(inbox.len(), 1, "{}: {who}", self.name);
            assert!(inbox[0].contains(&due), "{}: {who}: {due}: {}", self.name, inbox[0]);
        }
    }

    /// Three days before, on the day and once it is over; overdue from midnight.
    async fn an_unpaid_bill_is_reminded_of(&mut self) {
        let who = "billed before";
        let due_date = self.open_bill(who).await.due_date;
        let over = self.zone.end_of(due_date);
        let mut moments = Stage::ALL.map(|stage| stage.at(due_date, self.zone).unwrap()).to_vec();
        moments.push(over);
        moments.sort_unstable();
        for at in moments {
            let is_reminder = at != over;
            self.put(at - MARGIN);
            self.journey.run_billing().await;
            let (bill, told) = (self.open_bill(who).await, self.inbox(who).len());
            assert_eq!(bill.remind_at == Some(at), is_reminder, "{}: {at}", self.name);
            assert_eq!(self.is_overdue(who).await, at > over, "{}: before {at}", self.name);
            self.put(at + AFTER);
            self.journey.run_billing().await;
            self.journey.until_quiet().await;
            assert_eq!(self.inbox(who).len(), told + usize::from(is_reminder), "{}: {at}", self.name);
            assert_eq!(self.is_overdue(who).await, at >= over, "{}: after {at}", self.name);
        }
    }

    /// Every expiry is told when the day that customers were told is over, and not before.
    async fn service_ends(&mut self) {
        let mut ends = BTreeMap::new();
        for who in self.people.keys().copied() {
            ends.insert(self.profile(who).await.entitlement.expires_at, who);
        }
        for (at, who) in ends {
            for (now, standing, days_left) in [(at - MARGIN, "active", 0), (at + AFTER, "expired", -1)] {
                self.put(now);
                self.journey.run_billing().await;
                let (_, me) = self.me(&self.token(who).await).await;
                let seen = (&me["customer"]["status"], &me["customer"]["daysLeft"]);
                assert_eq!(seen, (&json!(standing), &json!(days_left)), "{}: {who}", self.name);
                let told = self.profile(who).await.expiry_told == Some(at);
                assert_eq!(told, standing == "expired", "{}: {who}", self.name);
            }
        }
    }

    /// The books of all agree, once what was told has gone out.
    async fn audit(&mut self) {
        self.journey.until_quiet().await;
        let now = self.journey.now();
        for (who, person) in &self.people {
            let books = self.journey.world.app.store.books(&person.profile.id, now).await.unwrap().unwrap();
            let audited = audit::customer(&books, self.zone, now);
            assert_eq!(audited.findings, [], "{}: {who}", self.name);
            // Nobody asks the gateways here.
            let waits = audited.pending.iter().filter(|pending| pending.wait != audit::Wait::Look).count();
            assert_eq!(waits, 0, "{}: {who}: {:?}", self.name, audited.pending);
        }
    }

    /// A customer is served until then; and profile, API, page, event and message say the same day.
    async fn served(&self, who: &str, until: OffsetDateTime) -> Profile {
        let (context, profile) = (format!("{}: {who}", self.name), self.profile(who).await);
        let entitlement = &profile.entitlement;
        assert_eq!(entitlement.expires_at, until, "{context}");
        assert_eq!(self.zone.end_of(self.zone.date(until)), until, "{context}: the end of a day");
        assert!(entitlement.paid_until() <= until, "{context}: {}", entitlement.paid_until());
        assert!(until >= self.people[who].profile.entitlement.expires_at, "{context}");
        let token = self.token(who).await;
        let (_, me) = self.me(&token).await;
        assert_eq!(me["customer"]["expiresAt"], format::instant(until), "{context}");
        let page = from_browser("GET", "/customer", &[], &[&format!("__Host-session={token}")], None);
        let page = customer_portal::handle(&self.journey.world.app, page).await;
        let page = String::from_utf8(page.body().as_ref().to_vec()).unwrap();
        let day = Language::Indonesian.date(self.zone.date(until));
        assert!(page.contains(&day), "{context}: {day}: {page}");
        let told = self.inbox(who);
        assert!(told.last().is_some_and(|told| told.contains(&day)), "{context}: {day}: {told:?}");
        let kind =
            if entitlement.package.id.as_str() == "home50" { "package.changed" } else { "subscription.extended" };
        let events = self.journey.events(kind).await;
        let of_this = events.iter().filter(|event| event["customerId"] == json!(profile.id)).collect::<Vec<_>>();
        assert_eq!(of_this.len(), 1, "{context}: {of_this:?}");
        assert_eq!(instant(&of_this[0]["expiresAt"]), until, "{context}");
        profile
    }

    fn put(&self, at: OffsetDateTime) {
        put_clocks(&self.journey.world, at);
    }

    async fn token(&self, who: &str) -> String {
        self.journey.world.token(&self.people[who].profile).await
    }

    async fn profile(&self, who: &str) -> Profile {
        self.journey.world.profile(&self.people[who].profile.id).await
    }

    fn inbox(&self, who: &str) -> Vec<String> {
        self.journey.world.sandbox.inbox(&self.people[who].phone).into_iter().map(|message| message.text).collect()
    }

    async fn me(&self, token: &str) -> (u16, Value) {
        self.account("me", token).await
    }

    async fn account(&self, path: &str, token: &str) -> (u16, Value) {
        let asked = request("GET", &format!("/api/customer/{path}"), Some(token), None);
        answer(&customer_account::handle(&account_of(&self.journey.world.app), asked).await)
    }

    async fn is_overdue(&self, who: &str) -> bool {
        let (_, listed) = self.account("invoices", &self.token(who).await).await;
        listed["invoices"][0]["overdue"] == true
    }

    async fn log_in(&self, path: &str, body: &Value) -> (u16, Value) {
        let asked = request("POST", &format!("/api/customer/{path}"), None, Some(body));
        answer(&customer_session::handle(&self.journey.world.app, asked).await)
    }

    async fn new_code(&mut self, who: &str) -> String {
        let before = self.inbox(who).len();
        let asked = self.log_in("otp", &json!({"phone": self.people[who].phone})).await;
        assert_eq!(asked, (200, json!({"success": true})), "{}", self.name);
        self.journey.until_quiet().await;
        let inbox = self.inbox(who);
        assert_eq!(inbox.len(), before + 1, "{}: a code comes at any hour", self.name);
        inbox.last().unwrap().strip_prefix("Kode masuk ").unwrap()[..6].to_owned()
    }

    async fn try_code(&self, who: &str, code: &str) -> (u16, Value) {
        self.log_in("login", &json!({"phone": self.people[who].phone, "code": code})).await
    }

    /// The renewal that is open.
    async fn open_bill(&self, who: &str) -> Invoice {
        let profile = self.profile(who).await;
        let id = profile.open_renewal.unwrap();
        self.journey.world.app.store.invoice(&profile.id, &id).await.unwrap().unwrap()
    }

    async fn bill(&self, who: &str) -> Invoice {
        let invoice = self.journey.world.invoice(&self.people[who].profile).await;
        let year = self.zone.date(self.journey.now()).year();
        assert!(invoice.number.starts_with(&format!("INV-{year}-")), "{}: {}", self.name, invoice.number);
        invoice
    }

    async fn bill_by_message(&mut self, who: &str) {
        self.bill(who).await;
        self.journey.until_quiet().await;
    }

    async fn link(&mut self, who: &str) -> String {
        self.journey.invoice = self.open_bill(who).await;
        let token = self.token(who).await;
        self.journey.link(&token, None).await
    }

    async fn choose(&self, who: &str, app: &App) -> Chosen {
        let token = self.token(who).await;
        let asked = request("GET", "/api/customer/upgrade?packageId=home50", Some(&token), None);
        let (_, preview) = answer(&request_upgrade::handle(app, asked).await);
        let day = Language::Indonesian.date(self.zone.date(instant(&preview["newExpiresAt"])));
        assert!(preview["explanation"].as_str().unwrap().contains(&day), "{}: {day}: {preview}", self.name);
        let agreed = json!({"packageId": "home50", "expectedAmount": preview["amount"]});
        let asked = request("POST", "/api/customer/upgrade", Some(&token), Some(&agreed));
        let (status, made) = answer(&request_upgrade::handle(app, asked).await);
        assert_eq!(status, 200, "{}: {made}", self.name);
        let year = self.zone.date(self.journey.now()).year();
        let number = made["invoice"]["invoiceNumber"].as_str().unwrap();
        assert!(number.starts_with(&format!("INV-{year}-")), "{}: {number}", self.name);
        Chosen { preview, link: made["paymentLink"].as_str().unwrap().to_owned() }
    }

    async fn paid_at(&self, who: &str) -> OffsetDateTime {
        let page = self.journey.world.app.store.invoices(&self.people[who].profile.id, None, 10).await.unwrap();
        page.entries.iter().find_map(|invoice| invoice.paid_at).unwrap()
    }
}

fn instant(text: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(text.as_str().unwrap(), &Rfc3339).unwrap()
}

/// Puts the clocks of Lunas and of the gateways to that time, or up to a second later.
fn put_clocks(world: &World, at: OffsetDateTime) {
    let left = at - world.app.clock.now();
    let seconds = left.whole_seconds() + i64::from(left.subsec_nanoseconds() > 0);
    assert!(seconds >= 0, "a clock goes forward: {left}");
    world.app.clock.advance(Duration::seconds(seconds));
    world.sandbox.advance_clock(std::time::Duration::from_secs(seconds.unsigned_abs()));
}

//! The `lunas` command: how the provider's admin puts packages, customers and invoices in and sees what became of a
//! payment, without ever editing the database by hand.
//!
//! Start at [`run`]. [`cli`] holds the commands, each other module one of them. Decisions are made in `billing` and
//! carried out by `cloud::store`; here is only what a terminal needs: reading files and arguments, and telling people
//! what happened.

mod audit;
mod aws;
mod changes;
pub mod cli;
mod credit;
mod customers;
mod doctor;
mod find;
mod identifier;
mod invoices;
mod messages;
mod network;
mod packages;
mod payments;
mod queues;
pub mod sheet;
mod trouble;
mod ui;
mod views;

use billing::zone::Zone;
use cloud::{clock::Clock, store::Store};

use cli::{
    Cli, Command, CreditCommand, CustomersCommand, DoctorCommand, Global, InvoicesCommand, MessagesCommand,
    NetworkCommand, PackagesCommand, PaymentsCommand,
};
use trouble::Refusal;
use ui::Ui;

/// Everything was done.
pub const ALL_DONE: u8 = 0;
/// Something was refused; the rest was done.
pub const SOME_REFUSED: u8 = 1;
/// Nothing could be done: no table, no file, wrong arguments.
pub const NOTHING_DONE: u8 = 2;

/// What every command works with.
pub(crate) struct Console {
    store: Store,
    clock: Clock,
    zone: Zone,
    dry_run: bool,
    /// The answer to every question is yes.
    yes: bool,
    ui: Ui,
}

impl Console {
    /// Shows what is about to be done to what is there, and asks. A dry run changes nothing, so there is nothing to ask.
    fn confirm(&self, plan: &str) -> anyhow::Result<()> {
        if self.dry_run || self.yes || ui::ask(plan)? {
            return Ok(());
        }
        refuse("not confirmed, nothing was done; --yes does it without asking")
    }
}

/// Runs one command and answers the exit code.
pub async fn run(cli: Cli) -> u8 {
    let json = cli.global.json;
    match execute(cli).await {
        Ok(code) => code,
        Err(error) => {
            let (code, text) = trouble::explain(&error);
            ui::error(&text, json);
            code
        }
    }
}

async fn execute(cli: Cli) -> anyhow::Result<u8> {
    let Global { json, dry_run, yes, zone, .. } = cli.global;
    if let Command::Messages(MessagesCommand::Templates { url }) = &cli.command {
        return messages::templates(Ui::new(json, zone.unwrap_or_default()), url);
    }
    let (store, config) = aws::connect(&cli.global).await?;
    let zone = zone_of(&store, zone).await?;
    let console = Console { store, clock: Clock::default(), zone, dry_run, yes, ui: Ui::new(json, zone) };
    match cli.command {
        Command::Packages(PackagesCommand::Import { file }) => packages::import(&console, &file).await,
        Command::Packages(PackagesCommand::Create { id, package }) => packages::create(&console, id, package).await,
        Command::Packages(PackagesCommand::Change { id, changes }) => packages::change(&console, &id, changes).await,
        Command::Packages(PackagesCommand::Retire { id }) => packages::retire(&console, &id).await,
        Command::Packages(PackagesCommand::List) => packages::list(&console).await,
        Command::Customers(CustomersCommand::Import { file, overwrite }) => {
            customers::import(&console, &file, overwrite).await
        }
        Command::Customers(CustomersCommand::Show { customer }) => customers::show(&console, &customer).await,
        Command::Invoices(InvoicesCommand::Create { customer, due }) => {
            invoices::create(&console, &customer, due).await
        }
        Command::Invoices(InvoicesCommand::Cancel { invoice, customer }) => {
            invoices::cancel(&console, &invoice, customer.as_deref()).await
        }
        Command::Invoices(InvoicesCommand::List { customer, limit }) => {
            invoices::list(&console, &customer, limit).await
        }
        Command::Payments(PaymentsCommand::Show { id, gateway }) => payments::show(&console, &id, gateway).await,
        Command::Payments(PaymentsCommand::Review { since, all }) => payments::review::list(&console, since, all).await,
        Command::Payments(PaymentsCommand::Reviewed { id, note }) => payments::review::mark(&console, &id, &note).await,
        Command::Credit(CreditCommand::Adjust { customer, amount, reason, options }) => {
            credit::adjust(&console, &customer, amount, &reason, options).await
        }
        Command::Queues => queues::list(&console, &aws::queues(&cli.global, &console.store, &config)?).await,
        Command::Redrive { queue, limit } => {
            queues::redrive(&console, &aws::queues(&cli.global, &console.store, &config)?, queue.as_deref(), limit)
                .await
        }
        Command::Messages(MessagesCommand::Pending { since }) => messages::pending(&console, since).await,
        Command::Messages(MessagesCommand::Failed { since }) => messages::failed(&console, since).await,
        Command::Messages(MessagesCommand::Resend { id }) => messages::resend(&console, &id).await,
        Command::Messages(MessagesCommand::Resume) => messages::resume(&console).await,
        Command::Messages(MessagesCommand::Templates { url }) => messages::templates(console.ui, &url),
        Command::Audit { customer } => audit::audit(&console, customer.as_deref()).await,
        Command::Network(NetworkCommand::Tell { customers }) => network::tell(&console, &customers).await,
        Command::Doctor(DoctorCommand::Acs { customer }) => {
            let secrets = aws::secrets(&cli.global, &console.store, &config, &console.clock)?;
            doctor::acs(&console, &secrets, customer.as_deref()).await
        }
    }
}

/// The zone of the table; before it has one, the one that was given, else Jakarta's.
async fn zone_of(store: &Store, given: Option<Zone>) -> anyhow::Result<Zone> {
    let stored = store.zone().await?;
    match (stored, given) {
        (Some(stored), Some(given)) if stored != given => refuse(another_zone(stored, given)),
        _ => Ok(stored.or(given).unwrap_or_default()),
    }
}

fn another_zone(stored: Zone, given: Zone) -> String {
    format!(
        "the days of this table end in {stored}; with {given} every expiry would fall on another moment. Leave --zone and LUNAS_TIME_ZONE out"
    )
}

/// Ends a command because a rule forbids it.
fn refuse<T>(reason: impl Into<String>) -> anyhow::Result<T> {
    Err(Refusal(reason.into()).into())
}

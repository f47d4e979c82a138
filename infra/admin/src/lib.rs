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
    Cli, Command, CreditCommand, CustomersCommand, DoctorCommand, InvoicesCommand, MessagesCommand, NetworkCommand,
    PackagesCommand, PaymentsCommand,
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
pub(crate) struct Session {
    store: Store,
    clock: Clock,
    zone: Zone,
    dry_run: bool,
    ui: Ui,
}

/// Runs one command and answers the exit code.
pub async fn run(cli: Cli) -> u8 {
    let ui = Ui::new(cli.global.json, cli.global.zone);
    match execute(cli, ui).await {
        Ok(code) => code,
        Err(error) => {
            let (code, text) = trouble::explain(&error);
            ui.error(&text);
            code
        }
    }
}

async fn execute(cli: Cli, ui: Ui) -> anyhow::Result<u8> {
    if let Command::Messages(MessagesCommand::Templates { url }) = &cli.command {
        return messages::templates(ui, url);
    }
    let (store, config) = aws::connect(&cli.global).await?;
    let session = Session { store, clock: Clock::default(), zone: cli.global.zone, dry_run: cli.global.dry_run, ui };
    match cli.command {
        Command::Packages(PackagesCommand::Import { file }) => packages::import(&session, &file).await,
        Command::Packages(PackagesCommand::Create { id, package }) => packages::create(&session, id, package).await,
        Command::Packages(PackagesCommand::Change { id, changes }) => packages::change(&session, &id, changes).await,
        Command::Packages(PackagesCommand::Retire { id }) => packages::retire(&session, &id).await,
        Command::Packages(PackagesCommand::List) => packages::list(&session).await,
        Command::Customers(CustomersCommand::Import { file }) => customers::import(&session, &file).await,
        Command::Customers(CustomersCommand::Show { customer }) => customers::show(&session, &customer).await,
        Command::Invoices(InvoicesCommand::Create { customer, due }) => {
            invoices::create(&session, &customer, due).await
        }
        Command::Invoices(InvoicesCommand::Cancel { invoice, customer }) => {
            invoices::cancel(&session, &invoice, customer.as_deref()).await
        }
        Command::Invoices(InvoicesCommand::List { customer, limit }) => {
            invoices::list(&session, &customer, limit).await
        }
        Command::Payments(PaymentsCommand::Show { id, gateway }) => payments::show(&session, &id, gateway).await,
        Command::Payments(PaymentsCommand::Review { since, all }) => payments::review::list(&session, since, all).await,
        Command::Payments(PaymentsCommand::Reviewed { id, note }) => payments::review::mark(&session, &id, &note).await,
        Command::Credit(CreditCommand::Adjust { customer, amount, reason, options }) => {
            credit::adjust(&session, &customer, amount, &reason, options).await
        }
        Command::Queues => queues::list(&session, &aws::queues(&cli.global, &session.store, &config)?).await,
        Command::Redrive { queue, limit } => {
            queues::redrive(&session, &aws::queues(&cli.global, &session.store, &config)?, queue.as_deref(), limit)
                .await
        }
        Command::Messages(MessagesCommand::Pending { since }) => messages::pending(&session, since).await,
        Command::Messages(MessagesCommand::Failed { since }) => messages::failed(&session, since).await,
        Command::Messages(MessagesCommand::Resend { id }) => messages::resend(&session, &id).await,
        Command::Messages(MessagesCommand::Resume) => messages::resume(&session).await,
        Command::Messages(MessagesCommand::Templates { url }) => messages::templates(session.ui, &url),
        Command::Audit { customer } => audit::audit(&session, customer.as_deref()).await,
        Command::Network(NetworkCommand::Tell { customers }) => network::tell(&session, &customers).await,
        Command::Doctor(DoctorCommand::Acs { customer }) => {
            let secrets = aws::secrets(&cli.global, &session.store, &config, &session.clock)?;
            doctor::acs(&session, &secrets, customer.as_deref()).await
        }
    }
}

/// Ends a command because a rule forbids it.
fn refuse<T>(reason: impl Into<String>) -> anyhow::Result<T> {
    Err(Refusal(reason.into()).into())
}

//! The connection to the ACS: its client is kept as long as the secret stays the same, and the circuit breaker stands
//! in front of it.

use std::sync::{Arc, Mutex, PoisonError};

use cloud::{app::App, secrets::Rows};
use devices::breaker::Breaker;
use devices::look::{Look, look};
use devices::matching::SubscriberLine;
use devices::nbi::{AcsError, Deadline};
use devices::secret::{Acs, PATIENCE};
use time::OffsetDateTime;
use web::problem::{self, Problem};

/// Name of the secret, and of the stand-in among the partners' endpoints.
const NAME: &str = "genieacs";

/// What is known of the ACS in this process.
#[derive(Debug, Default)]
pub(crate) struct AcsConnection {
    breaker: Breaker,
    client: Mutex<Option<(Arc<Rows>, Acs)>>,
}

/// The ACS was asked in vain, or not asked because the circuit is open. The reason is in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoAnswer;

impl AcsConnection {
    /// The ACS as the secret describes it.
    pub(crate) async fn acs(&self, app: &App) -> Result<Acs, Problem> {
        let mut rows = app.secrets.rows(NAME).await.map_err(|error| unusable(&error))?;
        if !rows.contains_key("url") {
            // An address that was typed in just now is used within a minute.
            rows = app.secrets.refreshed_rows(NAME).await.map_err(|error| unusable(&error))?;
        }
        self.of_rows(app, rows)
    }

    /// The same after it refused the credentials: they may have been replaced. `None` = they were not.
    async fn renewed(&self, app: &App) -> Option<Acs> {
        let before =
            self.client.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(rows, _)| Arc::clone(rows));
        let rows = app.secrets.refreshed_rows(NAME).await.ok()?;
        if before.is_some_and(|before| before == rows) {
            return None;
        }
        self.of_rows(app, rows).ok()
    }

    fn of_rows(&self, app: &App, rows: Arc<Rows>) -> Result<Acs, Problem> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, acs)) = client.as_ref()
            && *known == rows
        {
            return Ok(acs.clone());
        }
        let stand_in = app.settings.partner_endpoints.contains_key(NAME);
        let acs =
            Acs::from_secret(&rows, stand_in).map_err(|error| unusable(&error))?.ok_or(problem::ACS_NOT_CONFIGURED)?;
        *client = Some((rows, acs.clone()));
        drop(client);
        Ok(acs)
    }

    /// Looks for a customer's device, within the customer's patience.
    pub(crate) async fn look(
        &self,
        app: &App,
        acs: &Acs,
        line: &SubscriberLine,
        known: Option<&str>,
        may_search: bool,
    ) -> Result<Look, NoAnswer> {
        let now = app.clock.now();
        self.admit(now)?;
        let deadline = Deadline::after(PATIENCE);
        let mut looked = look(acs, line, known, may_search, now, deadline).await;
        if matches!(looked, Err(AcsError::Refused(_)))
            && let Some(renewed) = self.renewed(app).await
        {
            looked = look(&renewed, line, known, may_search, now, deadline).await;
        }
        self.note(&line.username, now, looked)
    }

    /// Is the circuit closed, or is it this caller's turn to try?
    pub(crate) fn admit(&self, now: OffsetDateTime) -> Result<(), NoAnswer> {
        if self.breaker.admits(now) { Ok(()) } else { Err(NoAnswer) }
    }

    /// Counts what became of a question about the device of `username`.
    pub(crate) fn note<T>(
        &self,
        username: &str,
        now: OffsetDateTime,
        asked: Result<T, AcsError>,
    ) -> Result<T, NoAnswer> {
        match asked {
            Ok(answer) => {
                self.breaker.succeeded();
                Ok(answer)
            }
            Err(error) => {
                let opened = self.breaker.failed(username, &error, now);
                tracing::error!(alarm = opened || error.needs_a_person(), opened, %error, "the ACS gave no answer");
                Err(NoAnswer)
            }
        }
    }
}

fn unusable(error: &dyn std::error::Error) -> Problem {
    tracing::error!(alarm = true, %error, "the ACS is not usable");
    problem::ACS_NOT_CONFIGURED
}

//! The state of all stand-ins, and of each.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use tokio::sync::watch;

use super::calls::Calls;
use super::clock::Clock;
use super::faults::Faults;
use super::keeping::locked;
use super::options::Options;
use super::partner::{Partner, PartnerRules};
use super::random;
use super::webhooks::{Notification, Webhooks};

/// Base URLs of the partners, without a slash at the end.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Urls {
    /// The Snap API is under `/snap/v1`, the Core API under `/v2`.
    pub midtrans: String,
    pub xendit: String,
    pub whatsapp: String,
    pub genieacs: String,
    /// The receiver is at `/webhook`.
    pub network: String,
}

/// What all stand-ins work on.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) urls: Urls,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    pub(crate) webhooks: Webhooks,
    settings: Mutex<Options>,
    stop: watch::Sender<bool>,
}

impl Core {
    pub(crate) fn new(options: Options, urls: Urls) -> anyhow::Result<Self> {
        Ok(Self {
            clock: Clock::default(),
            urls,
            faults: Faults::default(),
            calls: Calls::default(),
            webhooks: Webhooks::new()?,
            settings: Mutex::new(options),
            stop: watch::Sender::new(false),
        })
    }

    /// A copy of the settings as they are now.
    pub(crate) fn settings(&self) -> Options {
        locked(&self.settings).clone()
    }

    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Options)) {
        change(&mut locked(&self.settings));
    }

    /// Where a notification goes.
    pub(crate) fn addresses(&self, notification: &Notification) -> Vec<String> {
        let mut addresses = notification.instead.clone();
        if addresses.is_empty()
            && let Some(base) = locked(&self.settings).webhook_base.as_deref()
        {
            let gateway = notification.rules.partner.name();
            addresses.push(format!("{}/api/webhooks/{gateway}", base.trim_end_matches('/')));
        }
        addresses.extend(notification.also.iter().cloned());
        addresses
    }

    /// Life of a payment code, page or invoice whose creator does not say.
    pub(crate) fn default_expiry(&self) -> time::Duration {
        time::Duration::try_from(self.settings().default_expiry).unwrap_or(time::Duration::DAY)
    }

    /// A gateway's wait, shifted at random by up to a tenth and divided by the speed-up.
    pub(crate) fn sped_up(&self, wait: Duration) -> Duration {
        let speedup = locked(&self.settings).retry_speedup.max(1);
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let shift = random::below(millis / 10);
        let shifted = Duration::from_millis(millis.saturating_add(shift));
        shifted.checked_div(speedup).unwrap_or(shifted)
    }

    /// Ends everything that runs in the background.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves once [`Core::stop`] was called.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopped = self.stop.subscribe();
        async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    }

    pub(crate) fn url(&self, partner: Partner) -> &str {
        match partner {
            Partner::Midtrans => &self.urls.midtrans,
            Partner::Xendit => &self.urls.xendit,
            Partner::Whatsapp => &self.urls.whatsapp,
            Partner::Genieacs => &self.urls.genieacs,
            Partner::Network => &self.urls.network,
        }
    }
}

/// What all share, and what one partner's stand-in keeps. Its handlers work on this.
#[derive(Debug)]
pub(crate) struct PartnerState<S> {
    pub(crate) rules: &'static PartnerRules,
    core: Arc<Core>,
    store: Arc<Mutex<S>>,
}

impl<S> PartnerState<S> {
    pub(crate) fn new(core: &Arc<Core>, rules: &'static PartnerRules, store: S) -> Self {
        Self { rules, core: Arc::clone(core), store: Arc::new(Mutex::new(store)) }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, S> {
        locked(&self.store)
    }
}

impl<S> Clone for PartnerState<S> {
    fn clone(&self) -> Self {
        Self { rules: self.rules, core: Arc::clone(&self.core), store: Arc::clone(&self.store) }
    }
}

impl<S> Deref for PartnerState<S> {
    type Target = Arc<Core>;

    fn deref(&self) -> &Self::Target {
        &self.core
    }
}

/// The caller has the partner's key.
pub(crate) struct Authorized;

impl<S: Send> FromRequestParts<PartnerState<S>> for Authorized {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &PartnerState<S>) -> Result<Self, Response> {
        if (state.rules.admits)(&state.settings(), &parts.headers) {
            Ok(Self)
        } else {
            Err((state.rules.error)(parts.uri.path(), StatusCode::UNAUTHORIZED))
        }
    }
}

/// Refuses every address outside this machine: signed notifications of invented payments must not leave it.
pub(crate) fn loopback_url(url: &str) -> anyhow::Result<()> {
    let parsed = reqwest::Url::parse(url).with_context(|| format!("{url:?} is not a URL"))?;
    let host = parsed.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    ensure!(
        host == "localhost" || address.is_ok_and(|address| address.is_loopback()),
        "{url:?} is not on this machine; the sandbox sends to 127.0.0.1, [::1] or localhost only"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_stay_on_this_machine() {
        for url in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80/x"] {
            assert!(loopback_url(url).is_ok(), "{url}");
        }
        for url in ["https://example.com", "http://10.0.0.1", "127.0.0.1:80", "http://localhost.example.com"] {
            assert!(loopback_url(url).is_err(), "{url}");
        }
    }
}

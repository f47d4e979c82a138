//! What the stand-ins share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::sync::watch;

use crate::calls::Calls;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::partner::Partner;
use crate::webhooks::{Notification, Sender};
use crate::{Options, genieacs, locked, midtrans, network, random, whatsapp, xendit};

/// Base URLs of the partners, without a slash at the end.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Urls {
    pub midtrans: String,
    pub xendit: String,
    pub whatsapp: String,
    pub genieacs: String,
    pub network: String,
}

#[derive(Debug)]
pub(crate) struct Partners {
    pub(crate) clock: Clock,
    pub(crate) urls: Urls,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    pub(crate) sender: Sender,
    pub(crate) midtrans: Mutex<midtrans::Store>,
    pub(crate) xendit: Mutex<xendit::Store>,
    pub(crate) inbox: Mutex<whatsapp::Inbox>,
    pub(crate) templates: Mutex<whatsapp::Templates>,
    pub(crate) genieacs: Mutex<genieacs::Store>,
    pub(crate) network: Mutex<network::Store>,
    settings: Mutex<Options>,
    stop: watch::Sender<bool>,
}

impl Partners {
    pub(crate) fn new(options: Options, urls: Urls) -> anyhow::Result<Self> {
        let clock = Clock::default();
        let fleet = genieacs::Store::seeded(clock.now());
        Ok(Self {
            clock,
            urls,
            faults: Faults::default(),
            calls: Calls::default(),
            sender: Sender::new()?,
            midtrans: Mutex::default(),
            xendit: Mutex::default(),
            inbox: Mutex::default(),
            templates: Mutex::default(),
            genieacs: Mutex::new(fleet),
            network: Mutex::default(),
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
            let gateway = notification.partner.name();
            addresses.push(format!("{}/api/webhooks/{gateway}", base.trim_end_matches('/')));
        }
        addresses.extend(notification.also.iter().cloned());
        addresses
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

    /// Resolves once [`Partners::stop`] was called.
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

/// The partners' handlers work on this.
pub(crate) type Shared = Arc<Partners>;

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

//! Starts the stand-ins of the partners on loopback ports and runs until it is stopped.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use lunas_sandbox::Options;

/// Stand-ins of Midtrans, Xendit, WhatsApp, GenieACS and the provider's network for development, tests and the demo.
/// Listens on 127.0.0.1 only.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Port of Midtrans (Snap and Core API); 0 takes a free one
    #[arg(long, default_value_t = 0)]
    midtrans_port: u16,
    /// Port of Xendit (Invoice API); 0 takes a free one
    #[arg(long, default_value_t = 0)]
    xendit_port: u16,
    /// Port of the WhatsApp sender and inbox; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    whatsapp_port: u16,
    /// Port of GenieACS's NBI; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    genieacs_port: u16,
    /// Port of the network's receiver; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    network_port: u16,
    /// Notifications go to URL/api/webhooks/midtrans and URL/api/webhooks/xendit; must be on this machine
    #[arg(long, value_name = "URL")]
    webhook_base: Option<String>,
    /// Valid Midtrans server key; repeat it while a key is being replaced, the first one signs notifications
    #[arg(long, default_value = lunas_sandbox::DEMO_MIDTRANS_SERVER_KEY)]
    midtrans_server_key: Vec<String>,
    /// Send errors of Midtrans' Core API as HTTP errors too, not only in the body
    #[arg(long)]
    midtrans_http_errors: bool,
    /// Secret key of Xendit
    #[arg(long, default_value = lunas_sandbox::DEMO_XENDIT_API_KEY)]
    xendit_api_key: String,
    /// Token that Xendit's webhooks carry
    #[arg(long, default_value = lunas_sandbox::DEMO_XENDIT_CALLBACK_TOKEN)]
    xendit_callback_token: String,
    /// Key that POST /send of WhatsApp wants in its Authorization header
    #[arg(long, default_value = lunas_sandbox::DEMO_WHATSAPP_API_KEY)]
    whatsapp_api_key: String,
    /// User name that GenieACS wants
    #[arg(long, default_value = lunas_sandbox::DEMO_GENIEACS_USERNAME)]
    genieacs_username: String,
    /// Password that GenieACS wants
    #[arg(long, default_value = lunas_sandbox::DEMO_GENIEACS_PASSWORD)]
    genieacs_password: String,
    /// What signs messages to the network: whsec_ and base64
    #[arg(long, default_value = lunas_sandbox::DEMO_NETWORK_SECRET)]
    network_secret: String,
    /// Divide the gateways' waits between repeated notifications (2 minutes to 12 hours) by this
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    retry_speedup: u32,
    /// Write the base URLs to this file as JSON once all ports are open
    #[arg(long, value_name = "PATH")]
    urls_file: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let sandbox = lunas_sandbox::start(Options {
        midtrans_address: loopback(arguments.midtrans_port),
        xendit_address: loopback(arguments.xendit_port),
        whatsapp_address: loopback(arguments.whatsapp_port),
        genieacs_address: loopback(arguments.genieacs_port),
        network_address: loopback(arguments.network_port),
        midtrans_server_keys: arguments.midtrans_server_key,
        midtrans_http_errors: arguments.midtrans_http_errors,
        xendit_api_key: arguments.xendit_api_key,
        xendit_callback_token: arguments.xendit_callback_token,
        webhook_base: arguments.webhook_base,
        retry_speedup: arguments.retry_speedup,
        whatsapp_api_key: arguments.whatsapp_api_key,
        genieacs_username: arguments.genieacs_username,
        genieacs_password: arguments.genieacs_password,
        network_secret: arguments.network_secret,
        ..Options::default()
    })
    .await?;
    let urls = serde_json::to_string_pretty(&sandbox.urls())?;
    println!("{urls}");
    if let Some(path) = arguments.urls_file {
        // Renamed into place, so that a script that waits for the file never reads half of it.
        let unfinished = path.with_extension("unfinished");
        std::fs::write(&unfinished, &urls)
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    std::future::pending::<()>().await;
    Ok(())
}

//! Stylesheet, script and icons, named after their content, so that browsers keep them for ever; and the manifest.

use serde_json::json;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file and its compressed forms.
#[derive(Debug)]
pub struct Asset {
    pub path: &'static str,
    pub content_type: &'static str,
    pub plain: &'static [u8],
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

impl Asset {
    /// The smallest form that `accept_encoding` allows, with the `Content-Encoding` it needs.
    #[must_use]
    pub fn encoded(&self, accept_encoding: &str) -> (Option<&'static str>, &'static [u8]) {
        let accepts = |wanted| accepts(accept_encoding, wanted);
        match (self.brotli, self.gzip) {
            (Some(bytes), _) if accepts("br") => (Some("br"), bytes),
            (_, Some(bytes)) if accepts("gzip") => (Some("gzip"), bytes),
            _ => (None, self.plain),
        }
    }
}

/// Does `Accept-Encoding` allow it?
#[must_use]
pub fn accepts(accept_encoding: &str, wanted: &str) -> bool {
    let mut offers = accept_encoding.split(',').map(|offer| offer.split_once(';').unwrap_or((offer, "")));
    offers.any(|(name, quality)| name.trim().eq_ignore_ascii_case(wanted) && !refuses(quality))
}

/// `q=0`, in whatever length.
fn refuses(quality: &str) -> bool {
    quality.trim().strip_prefix("q=").is_some_and(|weight| weight.trim_end_matches(['0', '.']).is_empty())
}

/// The file that is served at `/assets/<name>`.
#[must_use]
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(name))
}

/// What a phone needs to put the portal on its home screen.
#[must_use]
pub fn manifest() -> String {
    json!({
        "name": "Lunas – Portal Pelanggan",
        "short_name": "Lunas",
        "lang": "id",
        "id": "/customer",
        "start_url": "/customer",
        "scope": "/customer",
        "display": "standalone",
        "background_color": "#f2f6f5",
        "theme_color": "#0b5d54",
        "icons": [
            {"src": ICON_192_PNG, "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": ICON_512_PNG, "sizes": "512x512", "type": "image/png", "purpose": "any"},
            {"src": ICON_512_PNG, "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
            {"src": ICON_SVG, "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_whole_name_only() {
        let name = PORTAL_CSS.trim_start_matches("/assets/");
        assert_eq!(asset(name).unwrap().content_type, "text/css; charset=utf-8");
        assert!(name.len() == "portal..css".len() + 12);
        for unknown in ["", "portal.css", "/assets/portal.css", "../Cargo.toml"] {
            assert!(asset(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn the_smallest_form_that_the_browser_takes_is_sent() {
        let css = asset(PORTAL_CSS.trim_start_matches("/assets/")).unwrap();
        for (accepted, sent) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip;q=1.0, br;q=0", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("br;q=0.0, gzip;q=0.5", Some("gzip")),
            ("brx", None),
            ("", None),
        ] {
            assert_eq!(css.encoded(accepted).0, sent, "{accepted:?}");
        }
        let png = asset(ICON_192_PNG.trim_start_matches("/assets/")).unwrap();
        assert_eq!(png.encoded("br, gzip"), (None, png.plain));
    }

    #[test]
    fn the_manifest_and_the_service_worker_name_files_that_exist() {
        let manifest: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
        for icon in manifest["icons"].as_array().unwrap() {
            let path = icon["src"].as_str().unwrap();
            assert!(asset(path.trim_start_matches("/assets/")).is_some(), "{path}");
        }
        let worker = str::from_utf8(SERVICE_WORKER.plain).unwrap();
        assert!(worker.contains(PORTAL_CSS) && worker.contains(ICON_SVG), "{worker}");
    }
}

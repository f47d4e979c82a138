//! Names every file of `assets/` after its content and compresses it, so that serving one is a look-up.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

type Built<T> = Result<T, Box<dyn Error>>;

/// File and content type. Pictures are compressed in themselves.
const FILES: [(&str, &str, bool); 5] = [
    ("portal.css", "text/css; charset=utf-8", true),
    ("portal.js", "text/javascript; charset=utf-8", true),
    ("icon.svg", "image/svg+xml", true),
    ("icon-192.png", "image/png", false),
    ("icon-512.png", "image/png", false),
];

fn main() -> Built<()> {
    println!("cargo::rerun-if-changed=assets");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::from("/// Files whose name tells their content.\npub static ASSETS: &[Asset] = &[\n");
    let mut names = Vec::new();
    for (file, content_type, compress) in FILES {
        let bytes = fs::read(Path::new("assets").join(file))?;
        let name = hashed_name(file, &bytes)?;
        table.push_str(&entry(&out, &format!("/assets/{name}"), content_type, &bytes, compress)?);
        names.push(name);
    }
    table.push_str("];\n");

    // The service worker keeps one address. It names the files that the offline page needs, so it changes when they do.
    let mut worker = fs::read_to_string("assets/sw.js")?;
    for ((file, ..), name) in FILES.iter().zip(&names) {
        worker = worker.replace(&format!("{{{file}}}"), &format!("/assets/{name}"));
    }
    let entry = entry(&out, "/sw.js", "text/javascript; charset=utf-8", worker.as_bytes(), true)?;
    writeln!(
        table,
        "/// The service worker.\npub static SERVICE_WORKER: Asset = {};",
        entry.trim_end().trim_end_matches(',')
    )?;

    for ((file, ..), name) in FILES.iter().zip(&names) {
        let function = file.replace(['.', '-'], "_");
        writeln!(table, "/// Address of `{file}`.\npub const {}: &str = \"/assets/{name}\";", function.to_uppercase())?;
    }
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// `portal.css` → `portal.<12 hex digits>.css`.
fn hashed_name(file: &str, bytes: &[u8]) -> Built<String> {
    let mut hash = hex::encode(Sha256::digest(bytes));
    hash.truncate(12);
    let (stem, extension) = file.rsplit_once('.').ok_or("an asset without an extension")?;
    Ok(format!("{stem}.{hash}.{extension}"))
}

/// Writes the file's forms beside the table, and the table's entry that includes them.
fn entry(out: &Path, path: &str, content_type: &str, bytes: &[u8], compress: bool) -> Built<String> {
    let stored = path.trim_start_matches('/').replace('/', "-");
    let include = |name: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))");
    let keep = |name: String, bytes: &[u8]| -> Built<String> {
        fs::write(out.join(&name), bytes)?;
        Ok(include(&name))
    };
    let plain = keep(stored.clone(), bytes)?;
    let (brotli, gzip) = if compress {
        let brotli = keep(format!("{stored}.br"), &brotli(bytes)?)?;
        let gzip = keep(format!("{stored}.gz"), &gzip(bytes)?)?;
        (format!("Some({brotli})"), format!("Some({gzip})"))
    } else {
        ("None".to_owned(), "None".to_owned())
    };
    Ok(format!(
        "Asset {{ path: {path:?}, content_type: {content_type:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},\n"
    ))
}

fn brotli(bytes: &[u8]) -> Built<Vec<u8>> {
    let mut packed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &best)?;
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Built<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

//! The words that customers read, in both languages.

use billing::language::Language;
use serde::Serialize;
use time::Duration;

/// How good received optical power is. Operators in Indonesia warn below −25 dBm and send somebody below −27 dBm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Level {
    /// −25 dBm or better.
    #[serde(rename = "baik")]
    Good,
    /// Down to −27 dBm.
    #[serde(rename = "lemah")]
    Weak,
    /// Below.
    #[serde(rename = "buruk")]
    Bad,
}

/// Above this the receiver of a class B+ modem is overloaded (ITU-T G.984.2, amendment 1).
const OVERLOAD_DBM: f64 = -8.0;

impl Level {
    #[must_use]
    pub fn of(dbm: f64) -> Self {
        match dbm {
            dbm if dbm >= -25.0 => Self::Good,
            dbm if dbm >= -27.0 => Self::Weak,
            _ => Self::Bad,
        }
    }

    pub(crate) const fn text(self, language: Language) -> &'static str {
        match self {
            Self::Good => language.choose("Baik", "Good"),
            Self::Weak => language.choose("Lemah", "Weak"),
            Self::Bad => language.choose("Buruk", "Bad"),
        }
    }

    pub(crate) fn help(self, dbm: f64, language: Language) -> &'static str {
        match self {
            Self::Good if dbm > OVERLOAD_DBM => language.choose(
                "Sinyal optik sangat kuat; bila Internet sering putus, hubungi kami agar kami periksa.",
                "The optical signal is very strong; if the Internet often drops, tell us and we will check it.",
            ),
            Self::Good => language.choose("Sinyal optik bagus, tidak ada yang perlu dilakukan.", "The optical signal is good, there is nothing to do."),
            Self::Weak => language.choose(
                "Sinyal optik melemah; pastikan kabel fiber tidak tertekuk atau terjepit, dan hubungi kami bila Internet terasa lambat.",
                "The optical signal is getting weak; make sure that the fibre is not bent or squeezed, and tell us if the Internet feels slow.",
            ),
            Self::Bad => language.choose(
                "Sinyal optik terlalu lemah; jangan mencabut kabel fiber, hubungi kami agar teknisi memeriksa jalurnya.",
                "The optical signal is too weak; do not unplug the fibre, call us so that a technician checks the line.",
            ),
        }
    }
}

/// `baru saja`, `5 menit lalu`, `3 jam lalu`, `2 hari lalu`. An instant that lies ahead is now: two clocks differ.
pub(crate) fn ago(age: Duration, language: Language) -> String {
    let (count, indonesian, english) = match age {
        age if age.whole_minutes() < 1 => return language.choose("baru saja", "just now").to_owned(),
        age if age.whole_hours() < 1 => (age.whole_minutes(), "menit", "minute"),
        age if age.whole_days() < 1 => (age.whole_hours(), "jam", "hour"),
        age => (age.whole_days(), "hari", "day"),
    };
    match language {
        Language::Indonesian => format!("{count} {indonesian} lalu"),
        Language::English => format!("{count} {english}{} ago", plural(count)),
    }
}

/// `data dari 3 jam lalu`.
pub(crate) fn data_from(ago: &str, language: Language) -> String {
    format!("{} {ago}", language.choose("data dari", "data from"))
}

pub(crate) const fn offline_help(language: Language) -> &'static str {
    language.choose(
        "Modem sedang offline, nilai ini dari sebelumnya; periksa listrik dan kabel fiber modem, lalu hubungi kami.",
        "The modem is offline and this value is from before; check its power and fibre, then call us.",
    )
}

pub(crate) const fn not_told(language: Language) -> &'static str {
    language.choose("tidak dilaporkan modem", "the modem does not tell")
}

pub(crate) const fn last_seen(language: Language) -> &'static str {
    language.choose("terakhir terlihat", "last seen")
}

/// The two largest units: `3 hari 4 jam`.
pub(crate) fn duration(seconds: u64, language: Language) -> String {
    let part = |scale: u64, of: u64| seconds.checked_div(scale).unwrap_or_default().checked_rem(of).unwrap_or_default();
    let parts =
        [(part(86_400, u64::MAX), "hari", "day"), (part(3600, 24), "jam", "hour"), (part(60, 60), "menit", "minute")];
    let said = parts.into_iter().skip_while(|(count, ..)| *count == 0).take(2).filter(|(count, ..)| *count > 0);
    let said: Vec<String> = said
        .map(|(count, indonesian, english)| match language {
            Language::Indonesian => format!("{count} {indonesian}"),
            Language::English => format!("{count} {english}{}", plural(i64::try_from(count).unwrap_or(i64::MAX))),
        })
        .collect();
    if said.is_empty() {
        language.choose("kurang dari 1 menit", "less than a minute").to_owned()
    } else {
        said.join(" ")
    }
}

fn plural(count: i64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// With a decimal comma in Indonesian.
fn decimal(value: f64, language: Language) -> String {
    let text = value.to_string();
    if language == Language::Indonesian { text.replace('.', ",") } else { text }
}

pub(crate) fn dbm(value: f64, language: Language) -> String {
    format!("{} dBm", decimal(value, language))
}

pub(crate) fn celsius(value: f64, language: Language) -> String {
    format!("{} °C", decimal(value, language))
}

pub(crate) fn devices(count: u32, language: Language) -> String {
    match language {
        Language::Indonesian => format!("{count} perangkat"),
        Language::English => format!("{count} device{}", plural(count.into())),
    }
}

pub(crate) const fn switch(enabled: Option<bool>, language: Language) -> &'static str {
    match enabled {
        Some(true) => language.choose("Aktif", "On"),
        Some(false) => language.choose("Mati", "Off"),
        None => language.choose("Tidak diketahui", "Not known"),
    }
}

/// What a wish to refresh is answered. `interval`: how often the device reports.
#[must_use]
pub fn refreshed(done: bool, interval: Duration, language: Language) -> String {
    if done {
        return language.choose("Sudah diperbarui", "Updated").to_owned();
    }
    let seconds = u64::try_from(interval.whole_seconds()).unwrap_or_default();
    let within = duration(seconds.max(60), language);
    match language {
        Language::Indonesian => {
            format!("Permintaan dikirim: diperbarui pada inform berikutnya, biasanya dalam {within}")
        }
        Language::English => format!("Asked for: updated when the modem next reports, usually within {within}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Language = Language::Indonesian;
    const EN: Language = Language::English;

    #[test]
    fn ages_are_said_in_the_largest_unit() {
        for (seconds, indonesian, english) in [
            (-5, "baru saja", "just now"),
            (59, "baru saja", "just now"),
            (60, "1 menit lalu", "1 minute ago"),
            (3 * 3600 + 59, "3 jam lalu", "3 hours ago"),
            (2 * 86_400, "2 hari lalu", "2 days ago"),
        ] {
            let age = Duration::seconds(seconds);
            assert_eq!((ago(age, ID).as_str(), ago(age, EN).as_str()), (indonesian, english));
        }
    }

    #[test]
    fn durations_are_said_in_two_units() {
        assert_eq!(duration(274_330, ID), "3 hari 4 jam");
        assert_eq!(duration(86_400 + 60, EN), "1 day");
        assert_eq!(duration(3600 + 120, EN), "1 hour 2 minutes");
        assert_eq!(duration(59, ID), "kurang dari 1 menit");
    }

    #[test]
    fn power_has_three_levels_each_with_one_sentence() {
        for (dbm, level) in [
            (-19.0, Level::Good),
            (-25.0, Level::Good),
            (-25.01, Level::Weak),
            (-27.0, Level::Weak),
            (-27.01, Level::Bad),
        ] {
            assert_eq!(Level::of(dbm), level, "{dbm}");
            for language in [ID, EN] {
                let help = Level::of(dbm).help(dbm, language);
                assert!(help.ends_with('.') && help.matches('.').count() == 1, "{help}");
            }
        }
        assert!(Level::Good.help(-5.0, EN).contains("very strong"));
        assert_eq!((dbm(-22.5, ID).as_str(), dbm(-22.5, EN).as_str()), ("-22,5 dBm", "-22.5 dBm"));
    }
}

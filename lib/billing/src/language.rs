//! The languages that customers read.

use time::Date;

/// Indonesian, unless a customer or the provider chose otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Indonesian,
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Indonesian, Self::English];

    /// `id` or `en`: in settings, cookies and pages, and the code of a template at Meta.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.choose("id", "en")
    }

    /// Reads a [`Self::code`].
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language that can be switched to.
    #[must_use]
    pub const fn other(self) -> Self {
        self.choose(Self::English, Self::Indonesian)
    }

    #[must_use]
    pub const fn choose<T: Copy>(self, indonesian: T, english: T) -> T {
        match self {
            Self::Indonesian => indonesian,
            Self::English => english,
        }
    }

    /// `24 Desember 2026`.
    #[must_use]
    pub fn date(self, day: Date) -> String {
        const INDONESIAN: [&str; 12] = [
            "Januari",
            "Februari",
            "Maret",
            "April",
            "Mei",
            "Juni",
            "Juli",
            "Agustus",
            "September",
            "Oktober",
            "November",
            "Desember",
        ];
        let english = day.month().to_string();
        let index = usize::from(u8::from(day.month()).saturating_sub(1));
        let month = self.choose(INDONESIAN.get(index).copied().unwrap_or(&english), &english);
        format!("{} {month} {}", day.day(), day.year())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_code_is_read_back_and_no_other() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.code()), Some(language));
            assert_eq!(Language::parse(&language.code().to_uppercase()), None);
            assert_ne!(language.other(), language);
        }
        assert_eq!(Language::default().code(), "id");
    }

    #[test]
    fn days_are_written_as_each_language_does() {
        let day = date!(2026 - 05 - 01);
        assert_eq!(Language::ALL.map(|language| language.date(day)), ["1 Mei 2026", "1 May 2026"]);
        assert_eq!(Language::Indonesian.date(date!(2026 - 12 - 24)), "24 Desember 2026");
    }
}

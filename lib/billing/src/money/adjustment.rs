//! Credit that the provider gives or takes, with a reason: the one movement of money that no gateway reports.

use time::{Duration, OffsetDateTime};

use crate::money::ledger::{Entry, EntryKind};
use crate::money::{MoneyError, Rupiah};
use crate::service::customer::Profile;
use crate::zone::later;

/// More than this in one step is a slip of the hand.
pub const MOST: Rupiah = Rupiah::new(100_000_000);
/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 200;
/// The same again within this time is taken for the same command sent twice.
pub const SAME_WITHIN: Duration = Duration::minutes(10);

/// An adjustment, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    pub profile: Profile,
    pub entry: Entry,
    /// Why; kept with the entry.
    pub reason: String,
}

/// Why credit is not adjusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdjusted {
    /// Nothing would change.
    #[error("the amount is zero")]
    Nothing,
    /// Too much for one step.
    #[error("more than {MOST} in one step")]
    TooMuch,
    /// Nobody could say later why.
    #[error("give a reason of 1 to {LONGEST_REASON} characters")]
    Reason,
    /// The customer would owe: only if that is meant.
    #[error("the credit would be {0}")]
    Negative(Rupiah),
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Adds `amount` to the credit, or takes it if it is negative.
pub fn adjust(
    profile: &Profile,
    amount: Rupiah,
    reason: &str,
    may_be_negative: bool,
    now: OffsetDateTime,
) -> Result<Adjustment, NotAdjusted> {
    let reason = reason.trim();
    if amount.is_zero() {
        return Err(NotAdjusted::Nothing);
    }
    if amount.max(amount.negated()?) > MOST {
        return Err(NotAdjusted::TooMuch);
    }
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(NotAdjusted::Reason);
    }
    let credit = profile.credit.plus(amount)?;
    if credit < Rupiah::ZERO && amount < Rupiah::ZERO && !may_be_negative {
        return Err(NotAdjusted::Negative(credit));
    }
    let entry = Entry {
        customer_id: profile.id.clone(),
        invoice_id: None,
        kind: EntryKind::Adjusted,
        amount,
        payment: None,
        at: now,
    };
    Ok(Adjustment { profile: Profile { credit, updated_at: now, ..profile.clone() }, entry, reason: reason.to_owned() })
}

/// Is that entry the same adjustment, of a moment ago? Who presses Enter twice means it once.
#[must_use]
pub fn is_repeated(
    entry: &Entry,
    kept_reason: Option<&str>,
    amount: Rupiah,
    reason: &str,
    now: OffsetDateTime,
) -> bool {
    let same = entry.kind == EntryKind::Adjusted && entry.amount == amount && kept_reason == Some(reason.trim());
    same && now < later(entry.at, SAME_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{self, NOW};

    #[test]
    fn credit_is_given_and_taken_and_the_entry_says_how_much() {
        let profile = Profile { credit: Rupiah::new(20_000), ..examples::profile() };
        for (amount, left) in [(50_000, 70_000), (-20_000, 0)] {
            let adjusted = adjust(&profile, Rupiah::new(amount), " gangguan ", false, NOW).unwrap();
            assert_eq!(
                (adjusted.profile.credit.get(), adjusted.entry.amount.get(), adjusted.reason.as_str()),
                (left, amount, "gangguan")
            );
            assert!(adjusted.entry.kind.moves_credit() && !adjusted.entry.kind.moves_invoice());
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let profile = Profile { credit: Rupiah::new(20_000), ..examples::profile() };
        let tried = |amount: i64, reason: &str, negative| {
            adjust(&profile, Rupiah::new(amount), reason, negative, NOW).map(|done| done.profile.credit.get())
        };
        assert_eq!(tried(0, "x", true), Err(NotAdjusted::Nothing));
        assert_eq!(tried(100_000_001, "x", true), Err(NotAdjusted::TooMuch));
        assert_eq!(tried(i64::MIN, "x", true), Err(MoneyError::OutOfRange.into()));
        for reason in ["", "  ", "a\nb", "x".repeat(201).as_str()] {
            assert_eq!(tried(1, reason, true), Err(NotAdjusted::Reason));
        }
        assert_eq!(tried(-20_001, "x", false), Err(NotAdjusted::Negative(Rupiah::new(-1))));
        assert_eq!(tried(-20_001, "x", true), Ok(-1));
        // Who owes already may be given credit, and still owe.
        let owing = Profile { credit: Rupiah::new(-20_000), ..examples::profile() };
        assert_eq!(adjust(&owing, Rupiah::new(5_000), "x", false, NOW).unwrap().profile.credit.get(), -15_000);
    }

    #[test]
    fn the_same_within_ten_minutes_is_the_same_command_twice() {
        let entry = adjust(&examples::profile(), Rupiah::new(5), "gangguan", false, NOW).unwrap().entry;
        let repeated = |amount, reason, minutes| {
            is_repeated(&entry, Some("gangguan"), Rupiah::new(amount), reason, later(NOW, Duration::minutes(minutes)))
        };
        assert!(repeated(5, " gangguan", 9));
        assert!(!repeated(5, "gangguan", 10) && !repeated(6, "gangguan", 0) && !repeated(5, "lain", 0));
    }
}

//! Random ids in the shapes of the partners.

use std::sync::atomic::{AtomicU64, Ordering};

static FALLBACK: AtomicU64 = AtomicU64::new(1);

fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0_u8; N];
    if getrandom::fill(&mut buffer).is_err() {
        // Ids must only differ from each other here, so a counter will do where there is no randomness.
        let count = FALLBACK.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        for (slot, byte) in buffer.iter_mut().zip(count) {
            *slot = byte;
        }
    }
    buffer
}

/// `0b2f6c1e-5d54-4f0e-9a51-0c9a3c1f7d10`: Snap tokens and Midtrans transaction ids.
pub(crate) fn uuid() -> String {
    let hex = hex::encode(bytes::<16>());
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// 24 hex digits: Xendit ids.
pub(crate) fn object_id() -> String {
    hex::encode(bytes::<12>())
}

/// `count` decimal digits (at most 16): account numbers and payment codes.
pub(crate) fn digits(count: usize) -> String {
    bytes::<16>().iter().take(count).map(|byte| char::from(b'0'.saturating_add(byte % 10))).collect()
}

/// A number below `limit` (0 if `limit` is 0).
pub(crate) fn below(limit: u64) -> u64 {
    u64::from_le_bytes(bytes::<8>()).checked_rem(limit).unwrap_or(0)
}

/// Puts the items into a random order.
pub(crate) fn shuffle<T>(items: &mut [T]) {
    for index in (1..items.len()).rev() {
        let limit = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        items.swap(index, usize::try_from(below(limit)).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_partners_shapes() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.matches('-').count(), 4);
        assert_eq!(object_id().len(), 24);
        assert_eq!(digits(11).len(), 11);
        assert_ne!(uuid(), uuid());
    }

    #[test]
    fn shuffling_changes_the_order_and_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut items);
        assert!(!items.is_sorted(), "the odds are one to 100!");
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<u32>>());
    }
}

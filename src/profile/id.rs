//! The id of a request: the caller's own, or one that is unique in the process and can be read.

use std::cell::Cell;
use std::fmt;

use crate::sync::{AtomicU64, Ordering, process_wide, thread_locals};

/// Bytes of a caller's own id that are kept.
pub(super) const LONGEST_ID: usize = 64;

/// Characters of the route in an id of ours.
const LONGEST_ROUTE: usize = 32;

/// Numbers that a thread takes at once, so that threads seldom meet at the counter; a power of two. Those that it leaves when it ends are
/// nobody's.
const BLOCK: u32 = 64;

const _: () = assert!(BLOCK.is_power_of_two());

process_wide! {
    /// Blocks that threads have taken, for all profilers.
    static BLOCKS: AtomicU64 = AtomicU64::new(0);
}

thread_locals! {
    /// The thread's next number; a multiple of `BLOCK` when its block is used up.
    static NEXT: Cell<u32> = Cell::new(0);
}

/// The number of the next request. It starts again after 2^32 of them; the unix second beside it tells them apart.
pub(super) fn next() -> u32 {
    let of_thread = NEXT.try_with(|next| {
        let mut number = next.get();
        if number.is_multiple_of(BLOCK) {
            number = first_of_a_block();
        }
        next.set(number.wrapping_add(1));
        number
    });
    of_thread.unwrap_or_else(|_| first_of_a_block())
}

/// The block that a number is of.
pub(super) fn block(number: u32) -> u32 {
    number / BLOCK
}

#[cold]
fn first_of_a_block() -> u32 {
    // Relaxed: it stands for itself.
    (BLOCKS.fetch_add(1, Ordering::Relaxed) as u32).wrapping_mul(BLOCK)
}

/// An id of ours: route, unix second, number.
pub(super) struct Generated<'a> {
    pub(super) endpoint: &'a str,
    pub(super) second: u64,
    pub(super) number: u32,
}

impl fmt::Display for Generated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        let mut words = self.endpoint.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).peekable();
        if words.peek().is_none() {
            f.write_str("root")?;
        }
        for word in words {
            if written + 1 >= LONGEST_ROUTE {
                break;
            }
            if written > 0 {
                f.write_str("_")?;
                written += 1;
            }
            let rest = &word[..word.len().min(LONGEST_ROUTE - written)];
            f.write_str(rest)?;
            written += rest.len();
        }
        write!(f, "_{}_{:x}", self.second, self.number)
    }
}

/// A caller's own id, cut where a character ends; `None` when there is nothing of it.
pub(super) fn cut(id: &str) -> Option<&str> {
    let id = &id[..id.floor_char_boundary(LONGEST_ID)];
    (!id.is_empty()).then_some(id)
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_ours_can_be_read_and_has_room_in_a_profile() {
        for (endpoint, expected) in [
            ("/scene", "scene_1733158245_7f"),
            ("/scene/{id}", "scene_id_1733158245_7f"),
            ("/", "root_1733158245_7f"),
            ("", "root_1733158245_7f"),
            ("/é/\"", "root_1733158245_7f"),
            ("unmatched", "unmatched_1733158245_7f"),
            ("/a-very-long-route/of-many-words/and-more", "a_very_long_route_of_many_words_1733158245_7f"),
        ] {
            assert_eq!(Generated { endpoint, second: 1_733_158_245, number: 0x7f }.to_string(), expected);
        }
        let longest = Generated { endpoint: &"x".repeat(100), second: u64::MAX, number: u32::MAX }.to_string();
        assert!(longest.len() <= LONGEST_ID, "{longest}");
    }

    #[test]
    fn a_callers_id_is_cut_between_characters() {
        assert_eq!(cut(""), None);
        assert_eq!(cut("abc"), Some("abc"));
        assert_eq!(cut(&"é".repeat(40)), Some(&*"é".repeat(32)));
        assert_eq!(cut(&format!("a{}", "é".repeat(40))).map(str::len), Some(63));
    }
}

//! Random bytes, drawn out of a seed that the caller hands in.

use super::hash::Hash;

/// A source of random bytes: HMAC-SHA-256 of a counter under the seed. As good as the seed,
/// and the same for the same seed, which makes a handshake repeatable in tests.
#[derive(Clone)]
pub struct Entropy {
    seed: [u8; 32],
    drawn: u64,
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entropy").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}

impl Entropy {
    /// A source out of a seed that was never used before.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 32);
        while out.len() < count {
            out.extend(Hash::Sha256.hmac(&self.seed, &[&self.drawn.to_be_bytes()]));
            self.drawn = self.drawn.wrapping_add(1);
        }
        out.truncate(count);
        out
    }

    /// Bytes without a zero among them, as the padding of PKCS #1 wants them.
    pub fn nonzero(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 32);
        while out.len() < count {
            out.extend(self.bytes(32).into_iter().filter(|byte| *byte != 0));
        }
        out.truncate(count);
        out
    }

    /// An array of bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes(N).try_into().unwrap_or([0; N])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_differ_from_draw_to_draw_and_are_the_same_for_the_same_seed() {
        let mut source = Entropy::new([7; 32]);
        let (first, second) = (source.bytes(70), source.bytes(70));
        assert_ne!(first, second);
        assert_eq!(Entropy::new([7; 32]).bytes(70), first);
        assert_ne!(Entropy::new([8; 32]).bytes(70), first);
        assert!(!source.nonzero(5000).contains(&0));
        assert!(!format!("{source:?}").contains("seed"));
    }
}

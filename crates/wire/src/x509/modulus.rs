//! What an RSA modulus betrays about how it was made. All of it is seen from the public
//! key alone, in bounded time.

use waxseal_model::certificate::ModulusFlaw;
use x509_parser::der_parser::num_bigint::BigUint;

use super::{
    algorithms::KeyKind,
    parsed::Parsed,
    rsa::{MAX_MODULUS_BITS, PublicKey},
};

/// Trial division goes up to this.
const LARGEST_FACTOR: u32 = 10_000;

/// Steps of Fermat's method. Keys of the printers of CVE-2022-26320 fall within some ten; by
/// chance none ever does.
const FERMAT_STEPS: u32 = 100;

/// The primes that the ROCA fingerprint is taken with: the odd ones up to 167, which divide
/// the primorial that the library used for keys of 512 bits, and so those for longer ones.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// The shortest keys of the library, in bits.
const SHORTEST_ROCA: u64 = 512;

/// A property by which the modulus is factored with ease, if one is found.
pub(super) fn flaw(modulus: &BigUint) -> Option<ModulusFlaw> {
    if let Some(factor) = small_factor(modulus) {
        return Some(ModulusFlaw::SmallFactor { factor });
    }
    has_close_primes(modulus).then_some(ModulusFlaw::ClosePrimes)
}

/// The smallest factor, up to a limit; the modulus itself does not count.
fn small_factor(modulus: &BigUint) -> Option<u32> {
    let zero = BigUint::from(0u32);
    let divides = |factor: &u32| modulus % factor == zero && modulus > &BigUint::from(*factor);
    std::iter::once(2).chain((3..LARGEST_FACTOR).step_by(2)).find(divides)
}

/// Fermat's method: n = a² - b² = (a + b)(a - b), with a from the root of n upwards.
fn has_close_primes(modulus: &BigUint) -> bool {
    let mut a = modulus.sqrt();
    if &a * &a < *modulus {
        a += 1u32;
    }
    for _ in 0..FERMAT_STEPS {
        let rest = &a * &a - modulus;
        // A square ends on 0, 1, 4 or 9 in base 16, which spares most roots.
        let low = rest.iter_u32_digits().next().unwrap_or(0) % 16;
        if matches!(low, 0 | 1 | 4 | 9) {
            let b = rest.sqrt();
            if &b * &b == rest {
                return &a - &b > BigUint::from(1u32);
            }
        }
        a += 1u32;
    }
    false
}

/// The fingerprint of ROCA (CVE-2017-15361; Nemec, Sys, Svenda, Klinec, Matyas: "The Return
/// of Coppersmith's Attack", CCS 2017, section 3): the modulus is a power of 65537 modulo the
/// product of these primes. It is one modulo each prime, by exponents that go together. By
/// chance a modulus passes once in some 10^46.
pub(super) fn is_roca(modulus: &BigUint) -> bool {
    // Below the product of the primes the form means nothing; the library made no such keys.
    if modulus.bits() < SHORTEST_ROCA {
        return false;
    }
    let mut exponents: Vec<(u32, u32)> = Vec::with_capacity(ROCA_PRIMES.len());
    for prime in ROCA_PRIMES {
        let residue = (modulus % prime).iter_u32_digits().next().unwrap_or(0);
        let Some(found) = logarithm(residue, prime) else { return false };
        exponents.push(found);
    }
    // One exponent for all exists if each two agree modulo what their orders have in common.
    exponents.iter().enumerate().all(|(at, (e, order))| {
        exponents.iter().take(at).all(|(other, other_order)| {
            let common = gcd(*order, *other_order);
            e % common == other % common
        })
    })
}

/// The exponent of 65537 that gives a residue, and the order of 65537, modulo a small prime.
fn logarithm(residue: u32, prime: u32) -> Option<(u32, u32)> {
    let generator = 65537 % prime;
    let mut power = 1;
    let mut found = None;
    for exponent in 0..prime {
        if exponent > 0 && power == 1 {
            return found.map(|e| (e, exponent));
        }
        if power == residue {
            found = Some(exponent);
        }
        power = power * generator % prime;
    }
    None
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// True if two RSA certificates have different moduli with a prime in common, so that both
/// are factored. Certificates that cannot be read, or are not RSA, have not.
pub fn share_a_prime(one: &[u8], other: &[u8]) -> bool {
    let key = |der: &[u8]| {
        let parsed = Parsed::new(der).ok()?;
        PublicKey::from_der(parsed.certificate.subject_pki.subject_public_key.data.as_ref())
            .filter(|key| parsed.key_kind() == Some(KeyKind::Rsa) && key.bits() <= MAX_MODULUS_BITS)
    };
    match (key(one), key(other)) {
        (Some(one), Some(other)) => have_common_factor(one.modulus(), other.modulus()),
        _ => false,
    }
}

/// True if two moduli are different and have a factor in common.
fn have_common_factor(a: &BigUint, b: &BigUint) -> bool {
    if a == b {
        return false;
    }
    let (mut a, mut b) = (a.clone(), b.clone());
    let zero = BigUint::from(0u32);
    while b != zero {
        let rest = &a % &b;
        a = std::mem::replace(&mut b, rest);
    }
    a > BigUint::from(1u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(hex: &str) -> BigUint {
        BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
    }

    /// A 1024-bit modulus that OpenSSL made.
    const SOUND: &str = "bb1001ba9b52756f7a8faa988824864c392e01538e45fbae3dc646680fcc58177b3fa1883974696a6f178aa4ec51c148425a544edc769f28aa1168d99883c8cc656ff74b6cb8e5ea6b40f33b970f54a6c639fef5d50b6904ec8c2fe92bb23914cc51ffb8521f0ccf7b37fc4637f0305d10ecf0dbd8110e326a8eb6ba2d9abce3";

    fn primorial() -> BigUint {
        ROCA_PRIMES.iter().fold(BigUint::from(2u32), |product, prime| product * prime)
    }

    #[test]
    fn a_sound_modulus_has_no_flaw() {
        assert_eq!(flaw(&number(SOUND)), None);
        assert!(!is_roca(&number(SOUND)));
    }

    #[test]
    fn small_factors_are_named() {
        assert_eq!(flaw(&(number(SOUND) * 2u32)), Some(ModulusFlaw::SmallFactor { factor: 2 }));
        assert_eq!(flaw(&(number(SOUND) * 7919u32)), Some(ModulusFlaw::SmallFactor { factor: 7919 }));
        for tiny in [0u32, 1, 2, 3] {
            let _ = (flaw(&BigUint::from(tiny)), is_roca(&BigUint::from(tiny)));
        }
    }

    #[test]
    fn close_factors_are_found_and_distant_ones_are_not() {
        // The method needs no primes: any two odd numbers without small factors will do.
        let p = number(SOUND);
        let q = (1u32..).map(|k| &p + 2 * k).find(|q| small_factor(q).is_none()).unwrap();
        assert_eq!(flaw(&(&p * &q)), Some(ModulusFlaw::ClosePrimes));
        assert_eq!(flaw(&(&p * &p)), Some(ModulusFlaw::ClosePrimes));
        let distant = &p + (BigUint::from(1u32) << 900);
        let distant = (0u32..).map(|k| &distant + k).find(|q| small_factor(q).is_none()).unwrap();
        assert_eq!(flaw(&(&p * &distant)), None);
    }

    #[test]
    fn moduli_of_the_form_of_roca_are_recognised() {
        // Primes of the form k·M + 65537^a mod M, as the paper has it: their product is a
        // power of 65537 modulo M, whatever k and a are.
        let m = primorial();
        let e = BigUint::from(65537u32);
        let one = |k: u32, a: u32| (BigUint::from(k) << 100) * &m + e.modpow(&BigUint::from(a), &m);
        assert!(is_roca(&(one(123_457, 1_000_003) * one(987_653, 77_777))));
        assert!(!is_roca(&one(1, 0)), "too short");
        assert!(!is_roca(&(one(123_457, 1_000_003) * one(987_653, 77_777) + 2u32)));
    }

    #[test]
    fn residues_that_pass_prime_by_prime_must_agree_on_one_exponent() {
        // A power of 65537 modulo each prime, with exponents that contradict each other.
        let m = primorial();
        let half = &m / 2u32;
        let mut n = BigUint::from(0u32);
        for (at, prime) in ROCA_PRIMES.iter().enumerate() {
            let residue = 65537u64.pow(u32::try_from(at % 2).unwrap()) % u64::from(*prime);
            let others = &half / prime;
            let inverse = others.modpow(&BigUint::from(prime - 2), &BigUint::from(*prime));
            n += others * inverse * residue;
        }
        n = n % &half + (&half << 300);
        assert!(
            ROCA_PRIMES
                .iter()
                .all(|p| logarithm((&n % p).iter_u32_digits().next().unwrap_or(0), *p).is_some())
        );
        assert!(!is_roca(&n));
    }

    #[test]
    fn common_primes_are_found() {
        let (p, q, r) = (BigUint::from(65_537u32), BigUint::from(65_539u32), BigUint::from(65_543u32));
        assert!(have_common_factor(&(&p * &q), &(&p * &r)));
        assert!(!have_common_factor(&(&p * &q), &(&p * &q)), "the same key");
        assert!(!have_common_factor(&p, &(&q * &r)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn random_numbers_are_not_taken_for_roca(bytes in prop::collection::vec(any::<u8>(), 32..260)) {
            let n = BigUint::from_bytes_be(&bytes);
            prop_assert!(!is_roca(&n));
            let _ = flaw(&n);
        }
    }
}

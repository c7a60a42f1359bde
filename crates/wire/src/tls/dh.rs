//! Primes of finite-field Diffie-Hellman that are known by name.
//!
//! A prime that many servers share is worth an attacker's precomputation (Logjam,
//! CVE-2015-4000) if it is short, and is beyond doubt if it is one of an RFC. The primes
//! are recognised by their SHA-256, which keeps thirty kilobytes of digits out of the
//! program.

use aws_lc_rs::digest::{SHA256, digest};
use waxseal_model::tls::DhFacts;

/// SHA-256 of the prime, big-endian without leading zeros, and its name. Sources: the
/// RFCs named; the source code of Postfix (`src/tls/tls_dh.c`), Exim
/// (`src/std-crypto.c`), Apache, nginx, OpenSSL, HAProxy and Java; for the rest the list
/// in Nmap's `ssl-dh-params`, which has it from weakdh.org.
#[rustfmt::skip]
static KNOWN: &[(&str, &str)] = &[
    ("b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d", "RFC 2409 group 1 (768 bits)"),
    ("3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0", "RFC 2409 group 2 (1024 bits)"),
    ("64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b", "RFC 3526 group 5 (1536 bits)"),
    ("d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e", "RFC 3526 group 14 (2048 bits)"),
    ("48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c", "RFC 3526 group 15 (3072 bits)"),
    ("4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33", "RFC 3526 group 16 (4096 bits)"),
    ("d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd", "RFC 3526 group 17 (6144 bits)"),
    ("39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf", "RFC 3526 group 18 (8192 bits)"),
    ("44c55cfee5c075927cf682da5b681bdecbd5c3eb0784c14f5dce7610f0ef133d", "RFC 5114 group 22 (1024 bits)"),
    ("bfe545862ca102ad1eeddb5fbfa5bf855ac4995c56a8b408ce3fe099dce93a9d", "RFC 5114 group 23 (2048 bits)"),
    ("0b7835722cb619827610c2549fdda5587421686c4409a13865e76225522ddcc9", "RFC 5114 group 24 (2048 bits)"),
    ("9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966", "RFC 7919 ffdhe2048"),
    ("0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17", "RFC 7919 ffdhe3072"),
    ("4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e", "RFC 7919 ffdhe4096"),
    ("227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7", "RFC 7919 ffdhe6144"),
    ("770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833", "RFC 7919 ffdhe8192"),
    ("6c863838510bab3e2093066fc14976f0265b0da72c465eb306018587b5df6b6a", "Postfix built-in, 512 bits"),
    ("449ab49c277d21a601e806df3064d6e4b3040045110efe26b85d12e88ae9355a", "Postfix built-in, 512 bits"),
    ("ef627d8cc44144f36a075d8dd8511bbd278cb5cf438f1052bdbdabe715232c1e", "Postfix built-in, 1024 bits"),
    ("4e1f16b0a537becf0398e0d6049ed82850ef799626db1771a9aa4901e84385c3", "Postfix built-in, 2048 bits"),
    ("ea8dfb71d98b4f878ca8d9915aaacae6d86fb791f7149373326b0fe318442b64", "Postfix built-in, 2048 bits"),
    ("450349830c07b0225c8fd0b123ca8febdf0c28fde698258de7cab092b9045a94", "Postfix built-in, 2048 bits"),
    ("4597b6c988bdc12aad6aa71840f7206907346f1f5d95edb661e8282281f5577e", "Exim default (exim.dev.20160529.3, 2048 bits)"),
    ("358856fb52a59bf901826fedcadd2b2d3aa0a82a16338229a109ed20f855f948", "Exim exim.dev.20160529.1 (2048 bits)"),
    ("b091c26ef6f88b88ed2c5f4da0cfe3291633f370a225d080f7bd5b8be83177eb", "Exim exim.dev.20160529.2 (2048 bits)"),
    ("bfa876fe4671a9c696c8e256c13d7fadaa05c8991660e0924604ff7b239c6d1a", "IronPort SMTPD built-in, 1024 bits"),
    ("7b6551ea6ff09bd78c24bede10980a155f70b6c81e48b4dd8bec822ab3bf0e94", "HAProxy 1.5 built-in, 2048 bits"),
    ("3cdb020b9ef298b2f3f6cf5a872af527337bf7b9f654b2e70c49da16a4d24137", "Apache mod_ssl 2.0.x built-in, 512 bits"),
    ("f79d1db3c955a28fdeca462670a0712efee4b588c7858e4943883f903bd1354b", "Apache mod_ssl 2.0.x built-in, 1024 bits"),
    ("db01e702899166da28c9bc7896af62bcdf0c96d0fb341950ba80e68bd51a57ef", "Apache mod_ssl 2.2.x built-in, 512 bits"),
    ("bf910d9df4e0b2e76cda7443f592aa118e33ba2c224ebc27fb8978d873c8c2e3", "Apache mod_ssl 2.2.x built-in, 1024 bits"),
    ("8ae47dca3d24e9b64640062686da234dcabada26b0da6f090c5449c1338d9a11", "nginx built-in, 1024 bits"),
    ("73b391ec8da33ee197aed17d7cfce1321b94e04c5b55b3c02c1c7198eb88715b", "Java built-in, 512 bits"),
    ("ee5483fe4b96caa10cb5b863ec409aab2762e6bf43af4a8a0a42817fef4dd7f3", "Java built-in, 768 bits"),
    ("cc21a33dd1a3edf40bf636b5496e4aede198a437a8548e0cc1a621424e42419b", "Java built-in, 1024 bits"),
    ("f26e2403f3f07946654404909f0ff81d9354de17250411b4c04b89af73178425", "OpenSSL sample, 512 bits"),
    ("66d0bf38b0bdfacf2fdae33f35102ab6079fd5ff0feff8e436a4063745c72739", "OpenSSL sample, 1024 bits"),
    ("3166ce19180005327a6059a2e7a4ed22775ad2f0eadaee59a7481ab391fe592f", "OpenSSL sample, 2048 bits"),
    ("9e348a9471b7d123aa97071e38288379fc12a9992e8e75db2113c1ded5463ac3", "OpenSSL sample, 2048 bits"),
    ("ce7728db3aed1119a82b9f17b17df9f8e370ddd7639946df09a119f924aa42e8", "OpenSSL sample, 4096 bits"),
    ("74a5cce5b6a93eb755e2f48250dc7cb3ea529484af916e1368034b6f70eb25fc", "found often by the Logjam study (1024 bits)"),
    ("196085cb4281d1ff18efaad097bc1ec0af2581444026a6a3018b1479f6d89cdb", "found often by the Logjam study (1024 bits)"),
    ("80571b97f71f89727ab0c40bb73b4f01a420469abd814b7b35090c8d6dff62b0", "found often by the Logjam study (1024 bits)"),
    ("5f856a00120eee6d6b87ef8f596aefbbd284f8a611c8329a713d37cdec2a27b0", "found often by the Logjam study (1024 bits)"),
    ("deb671287187265a5383df13708d3a757735f4af22dd171265385822f5aca5b9", "found often by the Logjam study (1024 bits)"),
    ("bc19c041491e550f381d09415a82e1b359410e8e243744cc545a342455f5fcd8", "found often by the Logjam study (1024 bits)"),
    ("ac0ff7a415f003c6503d4c126f2929769e6f3f89c29efa450764212fa13e2069", "found often by the Logjam study (1024 bits)"),
    ("2b07d24b932aa7a015c45a3f06e75ba71cb8cff8d33980acebf628afff1c101e", "found often by the Logjam study (1024 bits)"),
    ("8523c72057043833089915168751620b02dd60206beaa3ddb65df468acc9584e", "found often by the Logjam study (1024 bits)"),
    ("52d4faa53003b8349dac3e984a6423bc1ab6ab927f1855d94757185f71b5d97d", "found often by the Logjam study (1024 bits)"),
];

/// The name of a prime (big-endian), if it is a published one: `RFC 7919 ffdhe2048`,
/// `Postfix built-in, 1024 bits`.
pub fn known_prime(p: &[u8]) -> Option<&'static str> {
    let fingerprint = hex(digest(&SHA256, significant(p)).as_ref());
    KNOWN.iter().find(|(known, _)| *known == fingerprint).map(|(_, name)| *name)
}

/// Length of a prime (big-endian) in bits.
pub fn bits(p: &[u8]) -> u32 {
    let p = significant(p);
    let Some(first) = p.first() else { return 0 };
    u32::try_from(p.len()).unwrap_or(u32::MAX).saturating_mul(8) - first.leading_zeros()
}

/// What is to be said of the prime (big-endian) in a ServerKeyExchange.
pub fn facts(p: &[u8]) -> DhFacts {
    DhFacts { bits: bits(p), known_prime: known_prime(p).map(str::to_owned), prime: hex(significant(p)) }
}

fn significant(p: &[u8]) -> &[u8] {
    let zeros = p.iter().take_while(|byte| **byte == 0).count();
    p.get(zeros..).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limbs of the fixed-point numbers below: one of integer part, then fractions.
    const LIMBS: usize = 1 + 8192 / 32 + 2;

    /// A fixed-point number, most significant limb first.
    #[derive(Clone)]
    struct Fixed(Vec<u32>);

    impl Fixed {
        fn integer(value: u32) -> Self {
            let mut limbs = vec![0; LIMBS];
            limbs[0] = value;
            Self(limbs)
        }

        fn is_zero(&self) -> bool {
            self.0.iter().all(|limb| *limb == 0)
        }

        fn divide(&mut self, divisor: u32) {
            let mut rest = 0_u64;
            for limb in &mut self.0 {
                let value = rest << 32 | u64::from(*limb);
                *limb = u32::try_from(value / u64::from(divisor)).unwrap();
                rest = value % u64::from(divisor);
            }
        }

        fn add(&mut self, other: &Self) {
            let mut carry = 0;
            for (limb, more) in self.0.iter_mut().zip(&other.0).rev() {
                let sum = u64::from(*limb) + u64::from(*more) + carry;
                *limb = (sum & 0xffff_ffff) as u32;
                carry = sum >> 32;
            }
        }

        fn subtract(&mut self, other: &Self) {
            let mut borrow = 0;
            for (limb, less) in self.0.iter_mut().zip(&other.0).rev() {
                let difference = i64::from(*limb) - i64::from(*less) - borrow;
                *limb = difference.rem_euclid(1 << 32) as u32;
                borrow = i64::from(difference < 0);
            }
        }

        /// The first `bits` bits, of which two are before the point, plus a number.
        fn leading_bits_plus(&self, bits: usize, number: u32) -> Vec<u8> {
            let mut bytes: Vec<u8> = self.0.iter().flat_map(|limb| limb.to_be_bytes()).collect();
            // Two bits of integer part: shift them to the top.
            for _ in 0..30 {
                let mut carry = 0;
                for byte in bytes.iter_mut().rev() {
                    (*byte, carry) = (*byte << 1 | carry, *byte >> 7);
                }
            }
            bytes.truncate(bits / 8);
            let mut carry = u64::from(number);
            for byte in bytes.iter_mut().rev() {
                let sum = u64::from(*byte) + carry;
                (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
            }
            bytes
        }
    }

    /// The base of the natural logarithm: the sum of 1/k!.
    fn e() -> Fixed {
        let (mut sum, mut term) = (Fixed::integer(0), Fixed::integer(1));
        let mut k = 1;
        while !term.is_zero() {
            sum.add(&term);
            term.divide(k);
            k += 1;
        }
        sum
    }

    /// `factor` times arctan(1/x).
    fn arctan(factor: u32, x: u32) -> Fixed {
        let mut power = Fixed::integer(factor);
        power.divide(x);
        let mut sum = power.clone();
        let mut k = 3;
        loop {
            power.divide(x * x);
            let mut term = power.clone();
            term.divide(k);
            if term.is_zero() {
                return sum;
            }
            if k % 4 == 3 {
                sum.subtract(&term)
            } else {
                sum.add(&term)
            }
            k += 2;
        }
    }

    /// Machin's formula.
    fn pi() -> Fixed {
        let mut pi = arctan(16, 5);
        pi.subtract(&arctan(4, 239));
        pi
    }

    /// 2^bits - 2^(bits-64) - 1 + 2^64 * ([2^(bits-130) * constant] + number): the form of
    /// the primes in RFC 2409, 3526 (with pi) and 7919 (with e).
    fn nothing_up_my_sleeve(constant: &Fixed, bits: usize, number: u32) -> Vec<u8> {
        let middle = constant.leading_bits_plus(bits - 128, number - 1);
        [&[0xff; 8][..], &middle, &[0xff; 8]].concat()
    }

    #[test]
    fn the_primes_of_the_rfcs_follow_from_their_formulas() {
        let (pi, e) = (pi(), e());
        for (constant, bits, number, name) in [
            (&pi, 768, 149_686, "RFC 2409 group 1 (768 bits)"),
            (&pi, 1024, 129_093, "RFC 2409 group 2 (1024 bits)"),
            (&pi, 1536, 741_804, "RFC 3526 group 5 (1536 bits)"),
            (&pi, 2048, 124_476, "RFC 3526 group 14 (2048 bits)"),
            (&pi, 3072, 1_690_314, "RFC 3526 group 15 (3072 bits)"),
            (&pi, 4096, 240_904, "RFC 3526 group 16 (4096 bits)"),
            (&pi, 6144, 929_484, "RFC 3526 group 17 (6144 bits)"),
            (&pi, 8192, 4_743_158, "RFC 3526 group 18 (8192 bits)"),
            (&e, 2048, 560_316, "RFC 7919 ffdhe2048"),
            (&e, 3072, 2_625_351, "RFC 7919 ffdhe3072"),
            (&e, 4096, 5_736_041, "RFC 7919 ffdhe4096"),
            (&e, 6144, 15_705_020, "RFC 7919 ffdhe6144"),
            (&e, 8192, 10_965_728, "RFC 7919 ffdhe8192"),
        ] {
            let prime = nothing_up_my_sleeve(constant, bits, number);
            assert_eq!(known_prime(&prime), Some(name));
            assert_eq!(super::bits(&prime), u32::try_from(bits).unwrap());
        }
    }

    #[test]
    fn leading_zeros_do_not_hide_a_prime() {
        let mut prime = vec![0, 0];
        prime.extend(nothing_up_my_sleeve(&pi(), 1024, 129_093));
        let facts = facts(&prime);
        assert_eq!(facts.known_prime.as_deref(), Some("RFC 2409 group 2 (1024 bits)"));
        assert_eq!(facts.bits, 1024);
        assert!(facts.prime.starts_with("ffffffffffffffffc90fdaa2"));
    }

    #[test]
    fn an_unknown_prime_has_a_length_and_no_name() {
        assert_eq!(facts(&[0, 0x17]), DhFacts { bits: 5, known_prime: None, prime: "17".to_owned() });
        assert_eq!(bits(&[]), 0);
        assert_eq!(known_prime(&[]), None);
    }

    #[test]
    fn the_table_has_whole_digests_and_no_doubles() {
        for (position, (digest, _)) in KNOWN.iter().enumerate() {
            assert_eq!(digest.len(), 64);
            assert!(KNOWN.iter().skip(position + 1).all(|(other, _)| other != digest), "{digest}");
        }
    }
}

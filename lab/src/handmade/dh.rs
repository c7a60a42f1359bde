//! Finite-field Diffie-Hellman with primes long and short, published and not.

use aws_lc_rs::rand;
use num_bigint::BigUint;

use super::behaviour::Prime;

/// The generator of all groups here.
const GENERATOR: u32 = 2;
/// Length of secret exponents in bytes.
const EXPONENT: usize = 32;

/// A secret and what belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    prime: BigUint,
    exponent: BigUint,
}

impl Secret {
    /// A new one; none if there is no such prime, or no randomness.
    pub(super) fn new(prime: Prime) -> Option<Self> {
        let mut exponent = [0; EXPONENT];
        rand::fill(&mut exponent).ok()?;
        Some(Self { prime: number(prime)?, exponent: BigUint::from_bytes_be(&exponent) })
    }

    /// Prime, generator and public value as ServerDHParams have them (RFC 5246 section
    /// 7.4.3), without lengths.
    pub(super) fn params(&self) -> [Vec<u8>; 3] {
        let generator = BigUint::from(GENERATOR);
        let public = generator.modpow(&self.exponent, &self.prime);
        [self.prime.to_bytes_be(), generator.to_bytes_be(), public.to_bytes_be()]
    }

    /// The shared secret, without leading zeros (section 8.1.2).
    pub(super) fn agree(&self, public: &[u8]) -> Vec<u8> {
        BigUint::from_bytes_be(public).modpow(&self.exponent, &self.prime).to_bytes_be()
    }
}

fn number(prime: Prime) -> Option<BigUint> {
    let hex: &[u8] = match prime {
        Prime::Known(512) => KNOWN_512,
        Prime::Known(768) => KNOWN_768,
        Prime::Known(1024) => KNOWN_1024,
        Prime::Known(2048) => KNOWN_2048,
        Prime::Own(512) => OWN_512,
        Prime::Own(768) => OWN_768,
        Prime::Own(1024) => OWN_1024,
        Prime::Own(2048) => OWN_2048,
        _ => return None,
    };
    BigUint::parse_bytes(hex, 16)
}

/// The sample of 512 bits in OpenSSL's old `s_server`.
const KNOWN_512: &[u8] =
    b"da583c16d9852289d0e4af756f4cca92dd4be533b804fb0fed94ef9c8a4403ed574650d36999db29d776276ba2d3d412\
    e218f4dd1e084cf6d8003e7c4774e833";
/// RFC 2409 section 6.1.
const KNOWN_768: &[u8] =
    b"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
    ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a3620ffffffffffffffff";
/// RFC 2409 section 6.2.
const KNOWN_1024: &[u8] =
    b"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
    ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
    ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff";
/// RFC 3526 section 3.
const KNOWN_2048: &[u8] =
    b"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
    ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
    ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f\
    83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b\
    e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510\
    15728e5a8aacaa68ffffffffffffffff";
/// A safe prime of 512 bits that no software comes with.
const OWN_512: &[u8] =
    b"c2be1e5dea682b79f7c765e7d27a815a8ab0fc8e2e992e379db8c53fece5add803a26921a7518fd910e10737e6e20e31\
    87a8ad3b44b3254da765e0657d8c96e7";
/// A safe prime of 768 bits that no software comes with.
const OWN_768: &[u8] =
    b"f693f3348a121e49dee819bd898ca2b51e6054e3d0ec1a31b3e25cfdcbce61cd709f0bcffcad2805cbabb432b893cece\
    f770d69daa65e31959f8e832389bfdb816fa0313d397bce62fea98ef674a0cb56e2ed81d9d15444fb8751e2a12a358cf";
/// A safe prime of 1024 bits that no software comes with.
const OWN_1024: &[u8] =
    b"fb10953a6c5be2d76cc5034897f05009594d10b504e97798c7ae31a2e59336f8e99c981382478dc986715d0cc1fa40c7\
    5f96e2a361314609f90a6e960aa0e83a244afcf1f8813aeac4fb52641f53826359b047c58cc321b46c38d6eb1b7ba620\
    b74fe5bf5d61544aecfeeba9339fe156bb635ddcddc26b7926b65ede33f022f3";
/// A safe prime of 2048 bits that no software comes with.
const OWN_2048: &[u8] =
    b"f7d4fdabede83b4e9b272cbd666fb08204ce32b19da21ec2c6f596250f98c96b8690a1da0deebda172ac5f3782e094eb\
    8b0d23ea5c2b242babf3ee68857988e8e53c650bef2bed23c25674025edfd48e9c133015ee8f29358d94a7ff48392f62\
    2b8fdf191616df5de65de9762cde25256c48e25630a17b454820bb1fab96b6d65164b544dfff9e673f00595684c6d48c\
    2e3c6c8203d8a8688858480c144df707e8bfdd2c961b79d3f80c6525087a81684bef20a06c67edc0f285e2b419cd4b49\
    5379ad96887d0468b0b8ac88fdcc6b4b4dac953d85c2b48a6e7b6457939e7fcb369d9e42885433f7171be61904fefca3\
    5635426fab4e7aba796f7854f2b190c7";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_and_primes_are_as_long_as_they_say() {
        for bits in [512, 768, 1024, 2048] {
            for prime in [Prime::Known(bits), Prime::Own(bits)] {
                let (ours, theirs) = (Secret::new(prime).unwrap(), Secret::new(prime).unwrap());
                let [p, g, public] = ours.params();
                assert_eq!(BigUint::from_bytes_be(&p).bits(), u64::from(bits));
                assert_eq!(g, [2]);
                assert_eq!(theirs.agree(&public), ours.agree(&theirs.params()[2]));
                assert_ne!(public, theirs.params()[2]);
            }
        }
        assert!(Secret::new(Prime::Own(4096)).is_none());
    }
}

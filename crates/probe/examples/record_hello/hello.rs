//! Reading a ClientHello (RFC 8446 section 4.1.2).

/// What a ClientHello says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientHello {
    /// The version in the fixed part.
    pub(crate) version: u16,
    /// Suites as they stand, signals and reserved values included.
    pub(crate) suites: Vec<u16>,
    /// Compression methods.
    pub(crate) compression: Vec<u8>,
    /// Number and content, in the order sent.
    pub(crate) extensions: Vec<(u16, Vec<u8>)>,
}

impl ClientHello {
    /// Reads a handshake message; none if it is not a ClientHello.
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let mut rest = message;
        let [1, _, _, _] = take(&mut rest, 4)? else { return None };
        let version = u16_at(&mut rest)?;
        take(&mut rest, 32)?;
        short(&mut rest)?;
        let suites = codes(long(&mut rest)?)?;
        let compression = short(&mut rest)?.to_vec();
        let mut extensions = Vec::new();
        if !rest.is_empty() {
            let mut block = long(&mut rest)?;
            while !block.is_empty() {
                let number = u16_at(&mut block)?;
                extensions.push((number, long(&mut block)?.to_vec()));
            }
        }
        Some(Self { version, suites, compression, extensions })
    }

    /// The content of an extension.
    pub(crate) fn extension(&self, number: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(n, _)| *n == number).map(|(_, content)| content.as_slice())
    }

    /// An extension that is a list of codes with its length before it; empty where it is not
    /// sent.
    pub(crate) fn code_list(&self, number: u16) -> Vec<u16> {
        let Some(mut content) = self.extension(number) else { return Vec::new() };
        long(&mut content).and_then(codes).unwrap_or_default()
    }

    /// An extension that is a list of bytes with a one-byte length before it.
    pub(crate) fn byte_list(&self, number: u16) -> Vec<u8> {
        let Some(mut content) = self.extension(number) else { return Vec::new() };
        short(&mut content).unwrap_or_default().to_vec()
    }

    /// The groups of key_share.
    pub(crate) fn shares(&self) -> Vec<u16> {
        let mut groups = Vec::new();
        let Some(mut content) = self.extension(51) else { return groups };
        let mut list = long(&mut content).unwrap_or_default();
        while let (Some(group), Some(_)) = (u16_at(&mut list), long(&mut list)) {
            groups.push(group);
        }
        groups
    }

    /// The protocols of ALPN.
    pub(crate) fn protocols(&self) -> Vec<String> {
        let mut names = Vec::new();
        let Some(mut content) = self.extension(16) else { return names };
        let mut list = long(&mut content).unwrap_or_default();
        while let Some(name) = short(&mut list) {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
        names
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

fn u16_at(rest: &mut &[u8]) -> Option<u16> {
    let (head, tail) = rest.split_first_chunk::<2>()?;
    *rest = tail;
    Some(u16::from_be_bytes(*head))
}

fn short<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = *take(rest, 1)?.first()?;
    take(rest, usize::from(length))
}

fn long<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16_at(rest)?;
    take(rest, usize::from(length))
}

fn codes(mut list: &[u8]) -> Option<Vec<u16>> {
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push(u16_at(&mut list)?);
    }
    Some(found)
}

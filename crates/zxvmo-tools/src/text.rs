// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers and names as people read them.

/// `bytes` in at most five characters, such as `12K` or `1.5M`; exact where it says no decimal.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut unit = 0;
    let mut divisor = 1024u64;
    while bytes / divisor >= 1024 && unit + 1 < UNITS.len() {
        divisor *= 1024;
        unit += 1;
    }
    let whole = bytes / divisor;
    let rest = bytes % divisor;
    if rest == 0 || whole >= 100 {
        format!("{whole}{}", UNITS[unit])
    } else {
        format!("{whole}.{}{}", rest * 10 / divisor, UNITS[unit])
    }
}

/// The bytes of a name that the kernel printed with octal escapes, as text.
pub(crate) fn unescape(escaped: &str) -> String {
    let bytes = escaped.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                name.push(code);
                at += 4;
            }
            None => {
                name.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&name).into_owned()
}

/// A name for a terminal: control characters, which might do things to it, become visible.
pub(crate) fn printable(name: &str) -> String {
    name.chars()
        .flat_map(|c| {
            let shown: Box<dyn Iterator<Item = char>> = if c.is_control() {
                Box::new(c.escape_default())
            } else {
                Box::new(std::iter::once(c))
            };
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1K"),
            (1536, "1.5K"),
            (2047, "1.9K"),
            (4096, "4K"),
            (1_048_575, "1023K"),
            (1 << 20, "1M"),
            (3 << 29, "1.5G"),
            (u64::MAX - 65535, "15.9E"),
        ] {
            assert_eq!(size(bytes), shown, "{bytes}");
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(unescape("plain name"), "plain name");
        assert_eq!(unescape(r"a\011b\012\134c"), "a\tb\n\\c");
        assert_eq!(unescape(r"\303\244"), "ä");
        assert_eq!(unescape(r"\377"), "\u{fffd}");
        // What the kernel never prints stays as it is.
        assert_eq!(unescape(r"\9"), r"\9");
        assert_eq!(unescape(r"\999"), r"\999");
    }

    #[test]
    fn names_do_nothing_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[31m\tb ä"), "a\\u{1b}[31m\\tb ä");
    }
}

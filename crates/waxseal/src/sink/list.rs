//! The punctuation of JSON that is written piece by piece.

/// One value, or an array.
pub(super) struct List {
    several: bool,
    done: usize,
}

impl List {
    /// The array of `of` values, or the one.
    pub(super) fn new(of: usize) -> Self {
        Self { several: of > 1, done: 0 }
    }

    /// What stands before the next value.
    pub(super) fn before(&mut self) -> &'static str {
        self.done += 1;
        match (self.several, self.done) {
            (false, _) => "",
            (true, 1) => "[\n",
            (true, _) => ",\n",
        }
    }

    /// What stands behind the last one.
    pub(super) fn end(&self) -> &'static str {
        match (self.several, self.done) {
            (false, 0) => "",
            (false, _) => "\n",
            (true, 0) => "[]\n",
            (true, _) => "\n]\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_value_or_an_array() {
        for (several, values, expected) in [
            (false, &["1"][..], "1\n"),
            (true, &["1", "2"], "[\n1,\n2\n]\n"),
            (true, &["1"], "[\n1\n]\n"),
            (true, &[], "[]\n"),
        ] {
            let mut list = List { several, done: 0 };
            let mut text: String = values.iter().map(|v| format!("{}{v}", list.before())).collect();
            text.push_str(list.end());
            assert_eq!(text, expected);
        }
    }
}

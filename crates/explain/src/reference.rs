//! The knowledge as a book to look things up in.

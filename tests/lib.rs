//! Tests only: see `flows/main.rs`.

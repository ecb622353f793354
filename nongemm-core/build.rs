//! `links` in Cargo.toml, which asks for a build script, makes cargo refuse a binary with two releases of this
//! crate, and name the crate that wants the other one: its plugins would register with that other release,
//! where nobody looks.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

//! With the feature `check`: stops the build in one line where `LIBTORCH` names no libtorch that fits.

#[expect(unreachable_pub, reason = "it is the library's module")]
#[path = "src/lib.rs"]
mod libtorch;

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=src/lib.rs");
    if env::var_os("CARGO_FEATURE_CHECK").is_none() {
        return;
    }
    let variable = |name: &str| {
        println!("cargo::rerun-if-env-changed={name}");
        env::var_os(name).filter(|value| !value.is_empty())
    };
    // torch-sys asks a Python for its libtorch then, and checks it.
    if variable("LIBTORCH_USE_PYTORCH").is_some() {
        return;
    }
    let include = variable("LIBTORCH_INCLUDE");
    let folder = variable("LIBTORCH").map(PathBuf::from);
    // Without it torch-sys looks there.
    let installed = Path::new("/usr/lib/libtorch.so").is_file();
    let folder = folder.or_else(|| installed.then(|| PathBuf::from("/usr")));
    let result = folder.map(|folder| include.map_or(folder, PathBuf::from));
    let result = result.ok_or_else(|| {
        let release = libtorch::RELEASE;
        format!(
            "LIBTORCH names no folder of libtorch {release}; `cargo xtask` fetches it and sets that"
        )
    });
    if let Err(message) = result.and_then(|folder| libtorch::check(&folder)) {
        println!("cargo::error={message}");
    }
}

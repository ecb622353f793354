//! Compiles the C++ shim against the libtorch that `torch-sys` found, and tells binaries where it is.

use std::env;
use std::error::Error;
use std::path::PathBuf;

const SOURCES: &[&str] = &[
    "common.cpp",
    "create.cpp",
    "describe.cpp",
    "device.cpp",
    "ops.cpp",
    "package.cpp",
    "program.cpp",
    "recording.cpp",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=shim");
    let lib = PathBuf::from(env::var("DEP_TCH_LIBTORCH_LIB")?);
    let include = match env::var("LIBTORCH_INCLUDE") {
        Ok(root) => PathBuf::from(root).join("include"),
        Err(_) => lib.with_file_name("include"),
    };
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .warnings(true)
        .opt_level(2)
        .flag(format!("-isystem{}", include.display()))
        .flag(format!(
            "-isystem{}",
            include.join("torch/csrc/api/include").display()
        ))
        .files(SOURCES.iter().map(|name| format!("shim/{name}")));
    build.compile("nongemm_torch_shim");
    // Tests and examples of this crate find libtorch without help; other crates that link a binary
    // get the folder as DEP_NONGEMM_TORCH_LIBTORCH_LIB.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    println!("cargo:libtorch_lib={}", lib.display());
    Ok(())
}

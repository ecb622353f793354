//! Compiles the C++ shim against the libtorch that `torch-sys` found, and tells binaries where it is.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=shim");
    let lib = PathBuf::from(env::var("DEP_TCH_LIBTORCH_LIB")?);
    let include = match env::var("LIBTORCH_INCLUDE") {
        Ok(root) => PathBuf::from(root).join("include"),
        Err(_) => lib.with_file_name("include"),
    };
    // torch-sys may have looked elsewhere than `nongemm-libtorch` did before it.
    nongemm_libtorch::check(include.parent().unwrap_or(&include))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let headers = newest(Path::new("shim"), "h")?;
    let stamp = out.join("libtorch");
    // libtorch's classes have further fields where this is not defined, and its release builds define it.
    let release = "NDEBUG";
    let how = format!("{} {release}", lib.display());
    let same_way = fs::read_to_string(&stamp).is_ok_and(|text| text == how);
    for source in sources()? {
        // One library for each file: libtorch's headers take so long to compile that only files that
        // changed are compiled again.
        let name = format!(
            "nongemm_{}",
            source.file_stem().unwrap_or_default().display()
        );
        let library = out.join(format!("lib{name}.a"));
        let built = library.metadata().and_then(|data| data.modified()).ok();
        let changed = source.metadata()?.modified()?.max(headers);
        if !same_way || built.is_none_or(|built| built <= changed) {
            cc::Build::new()
                .cpp(true)
                .std("c++17")
                .opt_level(2)
                .define(release, None)
                .flag(format!("-isystem{}", include.display()))
                .flag(format!(
                    "-isystem{}",
                    include.join("torch/csrc/api/include").display()
                ))
                .file(&source)
                .cargo_metadata(false)
                .compile(&name);
        }
        println!("cargo:rustc-link-lib=static={name}");
    }
    fs::write(&stamp, how)?;
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=stdc++");
    // Tests and examples of this crate find libtorch without help; other crates that link a binary
    // get the folder as DEP_NONGEMM_TORCH_LIBTORCH_LIB.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    println!("cargo:libtorch_lib={}", lib.display());
    Ok(())
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn sources() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    files(Path::new("shim"), "cpp")
}

/// When the last of these files was changed.
fn newest(folder: &Path, extension: &str) -> Result<SystemTime, Box<dyn Error>> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for file in files(folder, extension)? {
        newest = newest.max(file.metadata()?.modified()?);
    }
    Ok(newest)
}

//! Which release of libtorch a folder holds. Knows its headers only, and compiles nothing with them.

use std::fs;
use std::path::Path;

/// The release that `tch` binds.
pub const RELEASE: &str = "2.11.0";

/// Checks that a folder holds libtorch of the release that is needed.
///
/// # Errors
/// When it holds none, or another one; a line that says what to do.
pub fn check(folder: &Path) -> Result<(), String> {
    let name = folder.display();
    let include = folder.join("include").join("torch");
    // Where releases before and after 2.9 say their version.
    let headers = ["headeronly/version.h", "csrc/api/include/torch/version.h"];
    let texts = headers.map(|header| fs::read_to_string(include.join(header)));
    let mut texts = texts.iter().flatten();
    let found = texts.find_map(|text| {
        Some((
            defined(text, "TORCH_VERSION_MAJOR")?,
            defined(text, "TORCH_VERSION_MINOR")?,
        ))
    });
    let Some((major, minor)) = found else {
        return Err(format!(
            "{name} holds no libtorch: no version.h below include/torch; without LIBTORCH, \
             `cargo xtask` fetches libtorch {RELEASE}"
        ));
    };
    if !RELEASE.starts_with(&format!("{major}.{minor}.")) {
        return Err(format!(
            "{name} holds libtorch {major}.{minor}, {RELEASE} is needed; without LIBTORCH, \
             `cargo xtask` fetches that"
        ));
    }
    Ok(())
}

/// The number that a header defines under a name.
fn defined<'t>(header: &'t str, name: &str) -> Option<&'t str> {
    let lines = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define "));
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    values.next().map(str::trim)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn another_release_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path();
        let message = || {
            let text = check(own).unwrap_err();
            text.replace(&own.display().to_string(), "DIR")
        };
        assert_eq!(
            message(),
            "DIR holds no libtorch: no version.h below include/torch; without LIBTORCH, \
             `cargo xtask` fetches libtorch 2.11.0"
        );
        let api = own.join("include/torch/csrc/api/include/torch");
        fs::create_dir_all(&api).unwrap();
        let header = "#pragma once\n#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 5\n";
        fs::write(api.join("version.h"), header).unwrap();
        assert_eq!(
            message(),
            "DIR holds libtorch 2.5, 2.11.0 is needed; without LIBTORCH, `cargo xtask` fetches that"
        );
        fs::write(api.join("version.h"), header.replace(" 5", " 11")).unwrap();
        check(own).unwrap();
    }
}

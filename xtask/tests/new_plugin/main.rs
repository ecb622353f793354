//! What `cargo xtask new-plugin` writes compiles, passes its own tests, and is found by `nongemm`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const KINDS: [&str; 7] = [
    "model",
    "operator",
    "backend",
    "probe",
    "dataset",
    "reporter",
    "classifier",
];

fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap().to_owned()
}

/// Where this test was built: what the workspace and the crates both depend on is there already.
fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let target = binary.parent().and_then(Path::parent);
    target.unwrap().to_owned()
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}{error}");
    text
}

fn cargo(folder: &Path, command: &str, args: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    // Those of this test: build scripts that read them would run again, and all that depends on them.
    let own = std::env::vars().map(|(name, _)| name);
    for name in
        own.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        cargo.env_remove(name);
    }
    cargo
        .arg("--config")
        .arg(root().join("examples/outside.toml"));
    cargo.arg(command).args(args).current_dir(folder);
    output(cargo.env("CARGO_TARGET_DIR", target()))
}

/// One crate for each kind, put into one workspace, so that they are built in one go, with a `nongemm` that has all
/// of them.
fn workspace(folder: &Path) {
    let (mut uses, mut dependencies) = (String::new(), String::new());
    let mut patches = BTreeSet::new();
    for kind in KINDS {
        let name = format!("one-{kind}");
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let args = ["new-plugin", &name, "--kind", kind];
        output(xtask.args(args).current_dir(folder));
        let file = folder.join(&name).join("Cargo.toml");
        let manifest = fs::read_to_string(&file).unwrap();
        let (own, rest) = manifest.split_once("\n[workspace]").unwrap();
        let (_, patched) = rest.split_once("[patch.crates-io]\n").unwrap();
        patches.extend(patched.lines().map(str::to_owned));
        fs::write(&file, own).unwrap();
        writeln!(uses, "use one_{kind} as _;").unwrap();
        writeln!(dependencies, "{name} = {{ path = \"../{name}\" }}").unwrap();
    }
    let all = folder.join("all");
    fs::create_dir_all(all.join("src")).unwrap();
    fs::copy(
        root().join("xtask/tests/new_plugin/broken.rs"),
        all.join("src/broken.rs"),
    )
    .unwrap();
    let main = "mod broken;\n\nfn main() -> std::process::ExitCode {\n    nongemm_cli::main()\n}\n";
    fs::write(all.join("src/main.rs"), uses + main).unwrap();
    let [cli, core] = ["nongemm-cli", "nongemm-core"].map(|name| root().join(name));
    // As in the workspace's tests, so that what both depend on is the same.
    let shared =
        "getrandom = { version = \"0.4\", features = [\"std\", \"sys_rng\"] }\nonce_cell = \"1\"\n";
    let manifest = format!(
        "[package]\nname = \"all\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         anyhow = \"1\"\nnongemm-cli = {{ path = {cli:?} }}\nnongemm-core = {{ path = {core:?} }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n{dependencies}\n[dev-dependencies]\n{shared}"
    );
    fs::write(all.join("Cargo.toml"), manifest).unwrap();
    let patches = patches.into_iter().collect::<Vec<_>>().join("\n");
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"all\", \"one-*\"]\n\n\
         [profile.dev.package.\"*\"]\nopt-level = 3\ndebug = false\n\n[patch.crates-io]\n{patches}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

#[test]
fn every_kind_compiles_tests_itself_and_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    workspace(folder.path());
    let all = ["--quiet", "--workspace", "--all-targets"];
    let said = cargo(
        folder.path(),
        "test",
        &[&all[..], &["--", "--nocapture"]].concat(),
    );
    // The table of the backend's conformance suite.
    assert!(said.contains("one-backend: "), "{said}");
    cargo(folder.path(), "build", &all);
    let nongemm = target().join("debug").join("all");
    for kind in KINDS {
        let listed = output(Command::new(&nongemm).args(["list", &format!("{kind}s")]));
        let (id, krate) = (format!("one-{kind}"), format!("one-{kind}"));
        let id = if kind == "operator" {
            id.replace('-', "_")
        } else {
            id
        };
        let line = listed.lines().find(|line| line.starts_with(&id));
        assert!(line.is_some_and(|line| line.ends_with(&krate)), "{listed}");
    }
    misbehaviour_names_the_crate(&nongemm, folder.path());
}

/// Panics and ids that are taken: one line that names plugin and crate.
fn misbehaviour_names_the_crate(nongemm: &Path, folder: &Path) {
    let error = |code: i32, broken: &str, args: &[&str]| {
        let out = folder.join("results");
        let mut command = Command::new(nongemm);
        command.args(args).env("BROKEN", broken);
        if args[0] == "bench" {
            let limits = [
                "--backend",
                "candle",
                "--max-time",
                "50ms",
                "--min-samples",
                "3",
                "--out",
            ];
            command.args(limits).arg(out);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        text
    };
    let text = error(2, "id", &["list", "probes"]);
    assert_eq!(
        text,
        "nongemm: probe `one-probe` is registered twice, by `all` and by `one-probe`; remove one\n"
    );
    let text = error(2, "", &["bench", "--model", "broken-model"]);
    let panicked =
        "model `broken-model` of the crate all panicked: no graph; this is a defect of that crate";
    assert!(text.contains(panicked), "{text}");
    let text = error(2, "", &["bench", "--model", "broken-operator"]);
    let panicked =
        "operator `broken` of the crate all panicked: no shape; this is a defect of that crate";
    assert!(text.contains(panicked), "{text}");
    let text = error(1, "probe", &["bench", "--model", "one-model"]);
    assert!(
        text.contains("in probe `broken` of the crate all: no sensor"),
        "{text}"
    );
}

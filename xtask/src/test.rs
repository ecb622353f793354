//! Everything that CI runs, in the order in which it fails fastest.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::process::{cargo, check};
use crate::{browser, cuda, nongemm, package, semver, setup, tidy};

struct Stage {
    name: &'static str,
    run: fn() -> Result<()>,
}

const STAGES: &[Stage] = &[
    Stage {
        name: "fmt",
        run: fmt,
    },
    Stage {
        name: "tidy",
        run: tidy::check_repository,
    },
    Stage {
        name: "clippy",
        run: clippy,
    },
    Stage {
        name: "doc",
        run: doc,
    },
    Stage {
        name: "machete",
        run: machete,
    },
    Stage {
        name: "deny",
        run: deny,
    },
    Stage {
        name: "doctest",
        run: doctest,
    },
    Stage {
        name: "package",
        run: package::stage,
    },
    Stage {
        name: "nextest",
        run: nextest,
    },
    Stage {
        name: "readers",
        run: readers,
    },
    Stage {
        name: "browser",
        run: browser::run,
    },
    Stage {
        name: "ort",
        run: ort,
    },
    Stage {
        name: "torch",
        run: torch,
    },
];

/// Stages that take too long for every change: they run when they are named.
const NAMED: &[Stage] = &[
    Stage {
        name: "cuda",
        run: cuda,
    },
    Stage {
        name: "semver",
        run: semver::stage,
    },
];

/// Runs all stages but those that must be named, or those named.
pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    let all = || STAGES.iter().chain(NAMED);
    if let Some(unknown) = names.iter().find(|n| all().all(|s| s.name != **n)) {
        let known: Vec<&str> = all().map(|s| s.name).collect();
        bail!("no stage `{unknown}`; known: {}", known.join(", "));
    }
    let named = |stage: &&Stage| names.iter().any(|name| name == stage.name);
    let stages: Vec<&Stage> = if names.is_empty() {
        STAGES.iter().collect()
    } else {
        all().filter(named).collect()
    };
    for stage in stages {
        let since = Instant::now();
        eprintln!("== {}", stage.name);
        (stage.run)().with_context(|| format!("stage {}", stage.name))?;
        eprintln!(
            "== {} passed in {:.0} s",
            stage.name,
            since.elapsed().as_secs_f64()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The feature that builds the tests which need ONNX Runtime's library.
const ORT_TESTS: &str = "nongemm-ort/library";

/// The feature that builds the tests which open files with other programs.
const READERS_TESTS: &str = "nongemm-report/readers";

fn fmt() -> Result<()> {
    check(cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    check(
        cargo()
            .args(["clippy", "--workspace", "--exclude", "nongemm-torch"])
            .args(["--all-targets", "--locked"])
            .args(["--features", ORT_TESTS, "--features", READERS_TESTS])
            .args(["--", "--deny", "warnings"]),
    )
}

fn doc() -> Result<()> {
    check(
        cargo()
            .args(["doc", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )
}

fn doctest() -> Result<()> {
    check(cargo().args(["test", "--doc", "--locked"]))
}

fn nextest() -> Result<()> {
    let tool = tool("cargo-nextest", "0.9.143")?;
    check(cargo_tool(&tool).args(["nextest", "run", "--locked", "--no-fail-fast"]))
}

/// Tests that open reports with DuckDB and Perfetto's trace processor.
fn readers() -> Result<()> {
    let python = setup::readers()?;
    let mut tests = "binary(readers)".to_owned();
    if !setup::has_trace_processor(&python)? {
        eprintln!(
            "== readers: Perfetto's trace processor cannot be fetched here; the test that opens a trace with it \
             is skipped"
        );
        tests += " & !test(perfetto)";
    }
    let tool = tool("cargo-nextest", "0.9.143")?;
    check(
        cargo_tool(&tool)
            .args(["nextest", "run", "--locked", "--no-fail-fast"])
            .args(["--features", READERS_TESTS])
            .args(["--filterset", &format!("package(nongemm-report) & {tests}")]),
    )
}

/// Tests that need ONNX Runtime's library, or ONNX's checker in Python. Of the packages that are built
/// already, so that nothing is built again with other features.
fn ort() -> Result<()> {
    setup::onnx_python()?;
    setup::onnxruntime()?;
    let tool = tool("cargo-nextest", "0.9.143")?;
    check(
        cargo_tool(&tool)
            .args(["nextest", "run", "--locked", "--no-fail-fast"])
            .args(["--features", ORT_TESTS])
            .args(["--filterset", "package(nongemm-ort) | binary(onnxruntime)"]),
    )
}

/// Lints and tests of the libtorch flows and of the command line with them, which need PyTorch, its compiler
/// included: apart, so that nothing else does.
fn torch() -> Result<()> {
    let python = setup::python()?;
    let libtorch = setup::libtorch()?;
    let sentence_model = setup::sentence_model()?;
    let packages = [
        ["--package", "nongemm-torch"],
        ["--package", "nongemm-cli"],
        ["--features", "nongemm-cli/torch"],
    ];
    check(
        cargo()
            .args(["clippy", "--locked"])
            .args(packages.as_flattened())
            .args(["--all-targets", "--", "--deny", "warnings"])
            .env("LIBTORCH", &libtorch),
    )?;
    let tool = tool("cargo-nextest", "0.9.143")?;
    check(
        cargo_tool(&tool)
            .args(["nextest", "run", "--locked", "--no-fail-fast"])
            .args(packages.as_flattened())
            .args(["--lib", "--test", "suite", "--test", "torch"])
            .env("LIBTORCH", &libtorch)
            .env("NONGEMM_PYTHON", &python)
            .env("NONGEMM_MINILM", &sentence_model),
    )
}

/// candle's CUDA kernels compile, and the binary with them starts, with a GPU and without.
fn cuda() -> Result<()> {
    let features = ["candle", "cuda"];
    let mut clippy = cargo();
    clippy
        .args(["clippy", "--release", "--package", "nongemm-cli"])
        .args(["--no-default-features", "--features", &features.join(",")]);
    cuda::configure(&mut clippy, &nongemm::target_dir()?.join(cuda::FOLDER))?;
    check(clippy.args(["--", "--deny", "warnings"]))?;
    let binary = nongemm::build(&features, "release")?;
    check(Command::new(binary).args(["list", "backends"]))
}

fn machete() -> Result<()> {
    let tool = tool("cargo-machete", "0.9.2")?;
    check(Command::new(tool).current_dir(crate::process::root()))
}

fn deny() -> Result<()> {
    let tool = tool("cargo-deny", "0.20.2")?;
    check(
        Command::new(tool)
            .current_dir(crate::process::root())
            .args(["check", "licenses", "bans", "sources"]),
    )
}

fn cargo_tool(tool: &std::path::Path) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(crate::process::root());
    command
}

/// A tool from the path, or installed at a pinned version into the cache.
pub(crate) fn tool(name: &str, version: &str) -> Result<std::path::PathBuf> {
    let on_path = Command::new(name)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if on_path {
        return Ok(name.into());
    }
    let root = cache::dir()?.join("tools");
    let binary = root.join("bin").join(name);
    if !binary.is_file() {
        eprintln!("installing {name} {version} into {}", root.display());
        check(
            cargo()
                .args(["install", "--quiet", "--locked", "--version", version, name])
                .arg("--root")
                .arg(&root),
        )?;
    }
    Ok(binary)
}

//! The commands of the book: run as they stand, with small settings, or at least understood.
//!
//! `sh` blocks of a chapter run one after the other in an empty folder. A comment before a block says
//! why it does not: `<!-- not run: REASON -->`, or `<!-- needs: LIBRARY -->` where tests with that library run it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a block is not run everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    NotRun,
    Needs(String),
}

/// An `sh` block.
#[derive(Clone, Debug)]
struct Block {
    line: usize,
    mark: Option<Mark>,
    text: String,
}

/// Stands for `nongemm` in the book: what measures gets small models and little time.
const SMALL: &str = r#"#!/bin/sh
command=$1
case "$command $*" in
    bench*onnx*) exec "$NONGEMM" "$@" --max-time 200ms --min-samples 3 ;;
    bench*) exec "$NONGEMM" "$@" --set preset=small --max-time 200ms --min-samples 3 ;;
    micro*) exec "$NONGEMM" "$@" --quick --max-time 20ms --min-samples 3 ;;
    machine*) NONGEMM_CACHE="$PWD/cache" exec "$NONGEMM" "$@" ;;
    *) exec "$NONGEMM" "$@" ;;
esac
"#;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The chapters that SUMMARY.md names.
pub fn chapters() -> Vec<String> {
    let summary = read(&root().join("docs/SUMMARY.md"));
    let links = summary.lines().filter_map(|line| line.split_once("]("));
    links
        .map(|(_, rest)| {
            rest.trim_end_matches(')')
                .trim_end_matches(".md")
                .to_owned()
        })
        .collect()
}

fn blocks(chapter: &str) -> Vec<Block> {
    let text = read(&root().join("docs").join(format!("{chapter}.md")));
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Block)> = None;
    let mut mark = None;
    for (index, line) in text.lines().enumerate() {
        if let Some((is_shell, block)) = &mut open {
            if line == "```" {
                if *is_shell {
                    blocks.push(block.clone());
                }
                open = None;
            } else {
                block.text += &format!("{line}\n");
            }
        } else if let Some(language) = line.strip_prefix("```") {
            let block = Block {
                line: index + 2,
                mark: mark.take(),
                text: String::new(),
            };
            open = Some((language == "sh", block));
        } else if let Some(comment) = line.strip_prefix("<!-- ") {
            mark = Some(read_mark(chapter, comment));
        }
    }
    assert!(open.is_none(), "{chapter}: a block does not end");
    blocks
}

fn read_mark(chapter: &str, comment: &str) -> Mark {
    let text = comment.trim_end_matches(" -->");
    match text.split_once(": ") {
        Some(("not run", reason)) if !reason.is_empty() => Mark::NotRun,
        Some(("needs", library)) => Mark::Needs(library.to_owned()),
        _ => panic!("{chapter}: what is `{comment}`?"),
    }
}

/// Runs the commands of a chapter that need nothing, and those that need `library`. All others are read
/// against the definitions of the command line.
pub fn check(chapter: &str, library: Option<&str>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).expect("the folder is writable");
    fs::write(bin.join("nongemm"), SMALL).expect("the folder is writable");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(bin.join("nongemm"), mode).expect("the mode can be set");
    let work = folder.path().join("work");
    fs::create_dir(&work).expect("the folder is writable");
    let path = std::env::var("PATH").unwrap_or_default();
    for block in blocks(chapter) {
        let place = format!("docs/{chapter}.md:{}", block.line);
        commands(&block.text)
            .iter()
            .for_each(|words| understood(&place, words));
        let runs = match &block.mark {
            None => true,
            Some(Mark::NotRun) => false,
            Some(Mark::Needs(needed)) => library == Some(needed),
        };
        if !runs {
            continue;
        }
        let output = Command::new("sh")
            .args(["-eu", "-c", &block.text])
            .current_dir(&work)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("NONGEMM", env!("CARGO_BIN_EXE_nongemm"))
            .stdin(Stdio::null())
            .output()
            .expect("sh is there");
        assert!(
            output.status.success(),
            "{place}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Reads the commands of README, which stand in indented lines, against the definitions.
pub fn check_readme() {
    let text = read(&root().join("README.md"));
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| line.starts_with("    ") && !line.trim().starts_with('#'));
    let mut found = 0;
    for (index, line) in lines {
        for words in commands(line) {
            if ["cargo", "nongemm"].contains(&words[0].as_str()) {
                understood(&format!("README.md:{}", index + 1), &words);
                found += 1;
            }
        }
    }
    assert!(found > 10, "README has {found} commands");
}

/// The words of each command of a script, without the lines of here-documents.
fn commands(script: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut until: Option<String> = None;
    for line in script.lines() {
        if let Some(end) = &until {
            if line == end {
                until = None;
            }
            continue;
        }
        if let Some((_, end)) = line.split_once("<<") {
            until = Some(end.trim().to_owned());
        }
        let words = words(line);
        let parts = words.split(|word| ["|", "&&"].contains(&word.as_str()));
        commands.extend(
            parts
                .filter(|part| !part.is_empty())
                .map(<[String]>::to_vec),
        );
    }
    commands
}

/// The words of a line up to a redirection or a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '#' | '>' | '<') if word.is_none() => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Checks that a command is one: its name, its flags, its values.
fn understood(place: &str, words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["nongemm", args @ ..] => parses(place, args),
        ["cargo", "xtask", task, ..] if is_task(task) => {}
        ["cargo", "xtask", args @ ..] => parses(place, &without_plugins(args)),
        ["cargo", "install" | "doc" | "add" | "new", ..] => {}
        ["git" | "cd" | "mkdir" | "cat" | "bash" | "sbatch", ..] => {}
        _ => panic!("{place}: what is `{}`?", words.join(" ")),
    }
}

/// `--help` at the end: all that stands before is read, and nothing is done.
fn parses(place: &str, args: &[&str]) {
    let done = super::run(&[args, &["--help"]].concat());
    assert_eq!(
        done.code,
        Some(0),
        "{place}: nongemm {}: {}",
        args.join(" "),
        done.stderr
    );
}

/// Whether `cargo xtask` does this itself.
fn is_task(task: &str) -> bool {
    let source = read(&root().join("xtask/src/main.rs"));
    source.contains(&format!("        \"{task}\" "))
}

fn without_plugins<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let after_flag = |index: usize| index > 0 && args[index - 1] == "--plugin";
    let kept = args.iter().enumerate();
    kept.filter(|(index, arg)| **arg != "--plugin" && !after_flag(*index))
        .map(|(_, arg)| *arg)
        .collect()
}

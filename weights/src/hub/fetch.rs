//! Fetching what is missing, and checking what came.

use std::env;
use std::fs::{self, File};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use hf_hub::Cache;
use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use super::Location;
use super::cache::{complete, note_absent, of_commit, settled, snapshot};
use crate::KINDS;
use crate::checkpoint::shards;

/// Files that are fetched beside the weights where the hub has them: how inputs are made.
const BESIDE: &[&str] = &[
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
];

/// The hub where nothing says another.
const ENDPOINT: &str = "https://huggingface.co";

/// How often a download goes on after the connection broke.
const RETRIES: usize = 3;

/// A hub and its cache.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Its address.
    pub endpoint: String,
    /// The folder of the cache.
    pub cache: PathBuf,
    /// What tells the hub who asks.
    pub token: Option<String>,
    /// Whether the network must not be used.
    pub offline: bool,
}

impl Hub {
    /// As the environment says: `HF_ENDPOINT`, `HF_HUB_CACHE` or `HF_HOME`, `HF_TOKEN` or the token of
    /// `hf auth login`, `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    /// When there is no place for a cache.
    pub fn from_env() -> Result<Self> {
        let var = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let home = var("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = var("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(PathBuf::from(var("HOME")?).join(".cache")))?;
            Some(cache.join("huggingface"))
        });
        let cache = var("HF_HUB_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| Some(home.as_ref()?.join("hub")));
        let cache = cache.context("no place for the hub's cache: set HF_HOME or HOME")?;
        let stored = || {
            let text = fs::read_to_string(home.as_ref()?.join("token")).ok()?;
            Some(text.trim().to_owned()).filter(|token| !token.is_empty())
        };
        let offline = var("HF_HUB_OFFLINE").is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            ["1", "on", "yes", "true"].contains(&value.as_str())
        });
        Ok(Hub {
            endpoint: var("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned()),
            cache: std::path::absolute(cache)?,
            token: var("HF_TOKEN").or_else(stored),
            offline,
        })
    }

    /// The folder with the files of `hf:ORG/NAME[@REVISION]`, after fetching what is missing.
    ///
    /// # Errors
    /// One line that names the checkpoint and what is wrong.
    pub fn folder(&self, location: &str) -> Result<PathBuf> {
        let named = Location::parse(location)?;
        let cache = Cache::new(self.cache.clone());
        let Some(kept) = snapshot(&cache, &named).filter(|folder| complete(folder)) else {
            return self.fetch_all(location, &named, &cache);
        };
        if self.offline || settled(&kept, BESIDE) {
            return Ok(kept);
        }
        // Others fetched the weights alone. What comes with them is of the same commit.
        let commit = kept.file_name().unwrap_or_default().to_string_lossy();
        let same = Location {
            revision: commit.into_owned(),
            ..named
        };
        if let Err(error) = self.fetch_all(location, &same, &cache) {
            eprintln!("what comes with the weights may be missing: {error:#}");
        }
        Ok(kept)
    }

    /// Fetches what is missing of a checkpoint.
    fn fetch_all(&self, location: &str, named: &Location, cache: &Cache) -> Result<PathBuf> {
        ensure!(
            !self.offline,
            "{location} is not in the cache {}, and HF_HUB_OFFLINE forbids fetching it",
            self.cache.display()
        );
        let endpoint = self.endpoint.trim_end_matches('/').to_owned();
        let api = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(endpoint)
            .with_token(self.token.clone())
            .with_progress(false)
            .with_retries(RETRIES)
            .build();
        let api = api.map_err(|e| self.explain(location, "", &e))?;
        let repo = api.repo(named.repo());
        let info = repo.info().map_err(|e| self.explain(location, "", &e))?;
        let files: Vec<&str> = info
            .siblings
            .iter()
            .map(|file| file.rfilename.as_str())
            .collect();
        let has = |name: &str| files.contains(&name);
        let there = of_commit(cache, named, &info.sha)
            .with_context(|| format!("{location}: {} names no commit", self.endpoint))?;
        let fetch = |name: &str| match there.join(name) {
            path if path.exists() => Ok(path),
            _ => self.fetch(&repo, location, name),
        };
        for name in BESIDE.iter().filter(|name| has(name)) {
            fetch(name)?;
        }
        // Formats are in the order in which they are preferred.
        for kind in KINDS {
            if has(kind.single) {
                fetch(kind.single)?;
                break;
            }
            if has(kind.index) {
                let index = fetch(kind.index)?;
                let folder = index.parent().unwrap_or(Path::new(".")).to_owned();
                for shard in shards(kind, &index)? {
                    let name = shard.strip_prefix(&folder).unwrap_or(&shard);
                    fetch(&name.to_string_lossy())?;
                }
                break;
            }
        }
        ensure!(
            complete(&there),
            "{location} has no weights that can be read: looked for {}",
            KINDS
                .iter()
                .flat_map(|kind| [kind.single, kind.index])
                .collect::<Vec<_>>()
                .join(", ")
        );
        // What was there already has not said what the branch or tag stands for.
        let stands_for = cache.repo(named.repo()).create_ref(&info.sha);
        stands_for.with_context(|| format!("cannot write into {}", self.cache.display()))?;
        for name in BESIDE.iter().filter(|name| !has(name)) {
            note_absent(&there, name);
        }
        Ok(there)
    }

    /// Fetches one file and checks it.
    fn fetch(&self, repo: &ApiRepo, location: &str, name: &str) -> Result<PathBuf> {
        let mut size = 0;
        let mut download = || {
            let meter = Meter::new(location, &mut size);
            repo.download_with_progress(name, meter)
        };
        let path = match download() {
            // What an earlier download left is longer than the file: that was another one.
            Err(ApiError::InvalidResume) => bail!(
                "{location}: what is left of an earlier download of {name} is longer than the file; delete the \
                 .part files in {} and try again",
                self.cache.display()
            ),
            result => result.map_err(|e| self.explain(location, name, &e))?,
        };
        let wrong = check(&path, size as u64);
        if let Err(error) = wrong {
            // The blob and the link to it: the next try starts anew.
            if let Ok(blob) = path.canonicalize() {
                fs::remove_file(blob).ok();
            }
            fs::remove_file(&path).ok();
            return Err(error.context(format!("{location}: {name}")));
        }
        Ok(path)
    }

    fn explain(&self, location: &str, name: &str, error: &ApiError) -> anyhow::Error {
        let of = match name {
            "" => location.to_owned(),
            name => format!("{location}: {name}"),
        };
        let endpoint = &self.endpoint;
        let status = match error {
            ApiError::RequestError(error) => match error.as_ref() {
                ureq::Error::StatusCode(status) => Some(*status),
                _ => None,
            },
            _ => None,
        };
        match status {
            Some(401 | 403) => anyhow!(
                "{of}: {endpoint} refuses access; is the name right? if so, set HF_TOKEN to a token that may read \
                 it, and accept the model's terms on its page"
            ),
            Some(404) => anyhow!("{of}: {endpoint} has no such checkpoint, revision or file"),
            Some(status) => {
                anyhow!("{of}: {endpoint} answers with status {status}; try again later")
            }
            None => {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                anyhow!("{of}: cannot fetch from {endpoint}: {line}")
            }
        }
    }
}

/// Checks the length of a file and, where its name in the cache is one, its checksum: that of large files is
/// their SHA-256.
fn check(path: &Path, size: u64) -> Result<()> {
    let blob = path.canonicalize().context("is not in the cache")?;
    let length = fs::metadata(&blob)?.len();
    ensure!(
        length == size,
        "has {length} bytes instead of {size}; try again"
    );
    let name = blob.file_name().unwrap_or_default().to_string_lossy();
    if name.len() != 64 || !name.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    let mut file = File::open(&blob)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    let found: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    ensure!(
        found.eq_ignore_ascii_case(&name),
        "has the checksum {found} instead of {name}; try again"
    );
    Ok(())
}

/// Shows how a download gets on: a bar on a terminal, a line otherwise.
struct Meter<'a> {
    label: String,
    size: &'a mut usize,
    bar: Option<ProgressBar>,
}

impl<'a> Meter<'a> {
    fn new(location: &str, size: &'a mut usize) -> Self {
        Meter {
            label: location.to_owned(),
            size,
            bar: None,
        }
    }
}

impl Progress for Meter<'_> {
    fn init(&mut self, size: usize, filename: &str) {
        *self.size = size;
        if self.bar.is_some() {
            return;
        }
        if !std::io::stderr().is_terminal() {
            if !self.label.is_empty() {
                let megabytes = size as f64 / 1e6;
                eprintln!("fetching {filename} of {} ({megabytes:.1} MB)", self.label);
                self.label.clear();
            }
            return;
        }
        let bar = ProgressBar::new(size as u64);
        let template = "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} ({eta})";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(filename.to_owned());
        self.bar = Some(bar);
    }

    fn update(&mut self, size: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(size as u64);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

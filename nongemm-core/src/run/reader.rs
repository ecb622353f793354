//! Reading a dataset: what cannot be used is skipped and counted, and after the last sample the first follows.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;

use crate::plugin::{Dataset, Modality, Sample, Samples};
use crate::record::Skipped;

/// How many skipped items are named.
const NAMED: usize = 10;

/// The usable samples of a dataset, without an end. Items are skipped, counted and named in the first pass.
///
/// A dataset without any usable sample is one error, then the end.
pub struct Reader {
    dataset: &'static dyn Dataset,
    modality: Modality,
    path: Option<PathBuf>,
    pass: Samples,
    passes: usize,
    /// Usable samples of this pass so far.
    usable: usize,
    peeked: Option<Sample>,
    skipped: Skipped,
    taken: Vec<String>,
    read_ns: u64,
    ended: bool,
}

impl Reader {
    /// Opens the samples of one kind; ready tensors where the dataset holds nothing else.
    ///
    /// # Errors
    /// When it cannot be opened or holds other samples.
    pub fn open(
        dataset: &'static dyn Dataset,
        modality: Modality,
        path: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let held = dataset.holds();
        let modality = match held {
            held if held.contains(&modality) => modality,
            [Modality::Tensors] => Modality::Tensors,
            _ => {
                let held: Vec<&str> = held.iter().map(|kind| kind.name()).collect();
                bail!(
                    "it holds {}, and this model reads {}",
                    held.join(" and "),
                    modality.name()
                )
            }
        };
        Ok(Reader {
            dataset,
            modality,
            path: path.map(Path::to_owned),
            pass: dataset.open(modality, path)?,
            passes: 0,
            usable: 0,
            peeked: None,
            skipped: Skipped::default(),
            taken: Vec::new(),
            read_ns: 0,
            ended: false,
        })
    }

    /// Whether the samples are tensors that need no preprocessing.
    pub fn is_ready(&self) -> bool {
        self.modality == Modality::Tensors
    }

    /// Reads the next sample without taking it.
    ///
    /// # Errors
    /// When there is none.
    pub fn peek(&mut self) -> anyhow::Result<&Sample> {
        if self.peeked.is_none() {
            self.peeked = self.read().transpose()?;
        }
        match &self.peeked {
            Some(sample) => Ok(sample),
            None => bail!("it holds no sample"),
        }
    }

    /// What was skipped so far.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// How long reading took so far, in nanoseconds.
    pub fn read_ns(&self) -> u64 {
        self.read_ns
    }

    /// The names of the samples that were taken since this was last asked.
    pub fn take_names(&mut self) -> Vec<String> {
        std::mem::take(&mut self.taken)
    }

    /// The next usable sample of this pass; nothing at its end.
    pub fn next_of_pass(&mut self) -> Option<Sample> {
        let since = Instant::now();
        let found = loop {
            match self.pass.next() {
                None => break None,
                Some(Ok(sample)) => break Some(sample),
                Some(Err(error)) => self.skip(&error),
            }
        };
        self.usable += usize::from(found.is_some());
        self.read_ns += since.elapsed().as_nanos() as u64;
        found
    }

    fn skip(&mut self, error: &anyhow::Error) {
        if self.passes > 0 {
            return;
        }
        self.skipped.count += 1;
        if self.skipped.first.len() < NAMED {
            self.skipped.first.push(format!("{error:#}"));
        }
    }

    fn read(&mut self) -> Option<anyhow::Result<Sample>> {
        if self.ended {
            return None;
        }
        loop {
            if let Some(sample) = self.next_of_pass() {
                return Some(Ok(sample));
            }
            if self.usable == 0 {
                self.ended = true;
                return Some(Err(self.nothing()));
            }
            (self.passes, self.usable) = (self.passes + 1, 0);
            match self.dataset.open(self.modality, self.path.as_deref()) {
                Ok(pass) => self.pass = pass,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }

    fn nothing(&self) -> anyhow::Error {
        match self.skipped.first.first() {
            None => anyhow::anyhow!("it holds no {}", self.modality.name()),
            Some(first) => anyhow::anyhow!(
                "none of its {} items can be used; the first: {first}",
                self.skipped.count
            ),
        }
    }
}

impl Iterator for Reader {
    type Item = anyhow::Result<Sample>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.peeked.take() {
            Some(sample) => Some(Ok(sample)),
            None => self.read(),
        };
        if let Some(Ok(sample)) = &next {
            self.taken.push(sample.name().to_owned());
        }
        next
    }
}

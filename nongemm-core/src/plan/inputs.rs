//! Where the inputs of a run come from.

use std::path::{Path, PathBuf};

use super::UsageError;
use crate::plugin::{
    Dataset, InputRequest, Model, Plugins, Preprocessor, Registered, RequestedInput, Sample,
    split_location,
};
use crate::record::RunSpec;
use crate::run::Reader;
use crate::tensor::HostTensor;

/// A dataset that was opened, and what turns its samples into the inputs of a model.
pub struct CheckedInputs {
    /// The dataset.
    pub dataset: &'static Registered<dyn Dataset>,
    /// Where the dataset lies, if it needs to be told.
    pub path: Option<PathBuf>,
    /// Reads its samples, unless those are ready tensors.
    pub preprocessor: Box<dyn Preprocessor>,
    /// What the model wants.
    pub request: InputRequest,
}

impl CheckedInputs {
    /// Checks that there is at least one sample, and that the preprocessor has what it needs. A request without
    /// inputs becomes what the first ready tensors are.
    pub(super) fn check(
        model: &Registered<dyn Model>,
        spec: &RunSpec,
        request: InputRequest,
        plugins: &Plugins,
    ) -> Result<Self, UsageError> {
        let (dataset, path) = split_location(&spec.dataset);
        let dataset = plugins.datasets.find(dataset)?;
        let mut checked = CheckedInputs {
            dataset,
            path: path.map(Path::to_owned),
            preprocessor: model.guard(|model| model.preprocessor())?,
            request,
        };
        model.guard(|_| checked.preprocessor.modality())?;
        dataset
            .guard(|_| checked.check_first())?
            .map_err(|e| UsageError(format!("dataset {}: {e:#}", spec.dataset)))?;
        Ok(checked)
    }

    fn check_first(&mut self) -> anyhow::Result<()> {
        let mut samples = self.samples()?;
        let is_ready = samples.is_ready();
        let first = samples.peek()?;
        if let (Sample::Tensors(ready), true) = (first, self.request.inputs.is_empty()) {
            let inputs = ready.tensors.iter();
            self.request.inputs = inputs.map(|(name, t)| as_it_is(name, t)).collect();
        }
        match is_ready {
            true => Ok(()),
            false => self.preprocessor.check(first, &self.request),
        }
    }

    /// The samples that the preprocessor reads, or ready tensors.
    ///
    /// # Errors
    /// When the dataset cannot be opened or holds other samples.
    pub fn samples(&self) -> anyhow::Result<Reader> {
        let modality = self.preprocessor.modality();
        Reader::open(self.dataset.plugin, modality, self.path.as_deref())
    }
}

fn as_it_is(name: &str, tensor: &HostTensor) -> RequestedInput {
    RequestedInput {
        name: name.to_owned(),
        spec: tensor.spec(),
        below: None,
    }
}

//! Cases: example calls that every backend has to compute as the reference does.

use std::sync::Arc;

use super::def::Op;
use crate::dtype::DType;
use crate::rng::Uniform;
use crate::shape::TensorSpec;
use crate::tensor::{HostData, HostTensor};

/// Which values an input of a case holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Uniform between the bounds.
    Range(f64, f64),
    /// Integers from 0 up to and not including the bound.
    Below(u32),
    /// Rows of boxes, `x1 <= x2` and `y1 <= y2` in columns 0 and 2, 1 and 3, between 0 and `side`; rows of
    /// five have the number of an image below `images` in front.
    Boxes {
        /// Largest coordinate.
        side: f64,
        /// Number of images.
        images: u32,
    },
}

/// One input of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseInput {
    /// Shape and dtype; all dimensions known.
    pub spec: TensorSpec,
    /// Its values.
    pub values: Values,
}

/// An example call of an operator, with inputs that a seed makes the same everywhere.
#[derive(Clone, Debug)]
pub struct OpCase {
    /// What the case is about, in kebab-case; unique for each operator.
    pub name: &'static str,
    /// The operator with its attributes.
    pub op: Arc<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<CaseInput>,
}

impl OpCase {
    /// A case whose inputs are `f32` between -2 and 2.
    pub fn new<const N: usize>(name: &'static str, op: impl Op, shapes: [&[usize]; N]) -> Self {
        let inputs = shapes
            .into_iter()
            .map(|shape| CaseInput {
                spec: TensorSpec::new(DType::F32, shape),
                values: Values::Range(-2.0, 2.0),
            })
            .collect();
        OpCase {
            name,
            op: Arc::new(op),
            inputs,
        }
    }

    /// Replaces input `index`.
    #[must_use]
    pub fn input(mut self, index: usize, dtype: DType, shape: &[usize], values: Values) -> Self {
        self.inputs[index] = CaseInput {
            spec: TensorSpec::new(dtype, shape),
            values,
        };
        self
    }

    /// Replaces the values of input `index`.
    #[must_use]
    pub fn values(mut self, index: usize, values: Values) -> Self {
        self.inputs[index].values = values;
        self
    }

    /// The case's full name, `operator/case`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.op.name(), self.name)
    }

    /// The input tensors: the same values for the same case on every machine.
    ///
    /// # Errors
    /// When an input has a symbolic dimension.
    pub fn tensors(&self) -> anyhow::Result<Vec<HostTensor>> {
        self.inputs
            .iter()
            .enumerate()
            .map(|(i, input)| {
                let shape = input.spec.shape.known().ok_or_else(|| {
                    anyhow::anyhow!("case {}: input {i} has a symbolic dimension", self.id())
                })?;
                let count: usize = shape.iter().product();
                let mut rng = Uniform::new(0, &format!("{}#{i}", self.id()));
                let data = match input.values {
                    Values::Range(low, high) => {
                        let values = (0..count)
                            .map(|_| low + (high - low) * rng.next_f64())
                            .collect();
                        HostData::F64(values)
                    }
                    Values::Below(bound) => {
                        let values = (0..count).map(|_| rng.next_below(bound)).collect();
                        HostData::U32(values)
                    }
                    Values::Boxes { side, images } => {
                        let width = shape.last().copied().unwrap_or(4).max(1);
                        let rows =
                            (0..count / width).flat_map(|_| boxes(&mut rng, side, images, width));
                        HostData::F64(rows.collect())
                    }
                };
                HostTensor::new(shape, cast(data, input.spec.dtype))
            })
            .collect()
    }
}

/// One row of [`Values::Boxes`].
fn boxes(rng: &mut Uniform, side: f64, images: u32, width: usize) -> Vec<f64> {
    let image = rng.next_below(images);
    let mut corner = || [rng.next_f64() * side, rng.next_f64() * side];
    let ([x1, y1], [x2, y2]) = (corner(), corner());
    let corners = [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)];
    let leading = (width == 5).then_some(f64::from(image));
    leading.into_iter().chain(corners).collect()
}

fn cast(data: HostData, dtype: DType) -> HostData {
    let wide = data.to_f64();
    match dtype {
        DType::I64 => HostData::I64(wide.into_iter().map(|x| x as i64).collect()),
        DType::I32 => HostData::I32(wide.into_iter().map(|x| x as i32).collect()),
        DType::I16 => HostData::I16(wide.into_iter().map(|x| x as i16).collect()),
        DType::I8 => HostData::I8(wide.into_iter().map(|x| x as i8).collect()),
        DType::U64 => HostData::U64(wide.into_iter().map(|x| x as u64).collect()),
        DType::U32 => HostData::U32(wide.into_iter().map(|x| x as u32).collect()),
        DType::U16 => HostData::U16(wide.into_iter().map(|x| x as u16).collect()),
        DType::U8 => HostData::U8(wide.into_iter().map(|x| x as u8).collect()),
        DType::Bool => HostData::Bool(wide.into_iter().map(|x| u8::from(x > 0.0)).collect()),
        float => HostData::F64(wide).to_float(float),
    }
}

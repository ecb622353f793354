//! The tables of rotary positions.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::tensor::HostData;
use nongemm_operators as ops;

use crate::constant::constant;

/// Rotary positions for heads of one width.
pub(super) struct Rotary {
    width: usize,
    theta: f32,
    /// Whether the frequencies are converted once more, as Qwen's code does.
    qwen: bool,
}

impl Rotary {
    /// # Errors
    /// When the rows of a head have no halves.
    pub(super) fn new(width: usize, theta: f32, qwen: bool) -> Result<Self, BuildError> {
        if !width.is_multiple_of(2) {
            return Err(BuildError::config(format!(
                "a head has {width} elements; rotary positions need an even number"
            )));
        }
        Ok(Rotary { width, theta, qwen })
    }

    /// Cosines and sines `[1, tokens, width]` of the angles of `positions[1, tokens]`, computed in `f32`.
    pub(super) fn tables(
        &self,
        g: &mut GraphBuilder,
        positions: Value,
    ) -> Result<[Value; 2], BuildError> {
        let mut frequencies = self.frequencies(g)?;
        let mut places = ops::unsqueeze(g, positions, 1)?;
        places = ops::to(g, places, DType::F32)?;
        if self.qwen {
            frequencies = ops::to(g, frequencies, DType::F32)?;
            places = ops::to(g, places, DType::F32)?;
        }
        let angles = ops::matmul(g, frequencies, places)?;
        let angles = ops::transpose(g, angles, 1, 2)?;
        let angles = ops::cat(g, &[angles, angles], -1)?;
        let cos = ops::cos(g, angles)?;
        let cos = ops::mul_scalar(g, cos, 1.0)?;
        let sin = ops::sin(g, angles)?;
        let sin = ops::mul_scalar(g, sin, 1.0)?;
        let dtype = g.dtype();
        Ok([ops::to(g, cos, dtype)?, ops::to(g, sin, dtype)?])
    }

    /// `theta` to the power `-2i / width`, as `[1, width / 2, 1]`.
    fn frequencies(&self, g: &mut GraphBuilder) -> Result<Value, BuildError> {
        let count = self.width / 2;
        let exponent = |i: usize| (2 * i) as f32 / self.width as f32;
        let numbers = (0..count).map(|i| self.theta.powf(exponent(i)).recip());
        let numbers = HostData::F32(numbers.collect());
        let x = constant(g, "inv_freq", [count], numbers)?;
        let x = ops::unsqueeze(g, x, 0)?;
        let mut x = ops::unsqueeze(g, x, 2)?;
        if self.qwen {
            x = ops::to(g, x, DType::F32)?;
        }
        let x = ops::expand(g, x, &[1, -1, 1])?;
        ops::to(g, x, DType::F32)
    }
}

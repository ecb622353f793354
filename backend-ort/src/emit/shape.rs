//! Nodes that change shapes, which many forms need. Each is no node where it would change nothing.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape, TensorSpec};

use super::emitter::Emitter;
use super::value::Tensor;

impl Emitter {
    /// The same elements in another shape.
    ///
    /// # Errors
    /// When more than one size is open.
    pub fn reshape(&mut self, x: &Tensor, shape: &Shape) -> anyhow::Result<Tensor> {
        if x.shape() == shape {
            return Ok(x.clone());
        }
        let sizes: Vec<i64> = shape
            .dims()
            .iter()
            .map(|dim| dim.known().map_or(-1, |size| size as i64))
            .collect();
        let open = sizes.iter().filter(|&&size| size == -1).count();
        anyhow::ensure!(open <= 1, "{open} sizes of {shape} are open");
        let empty = sizes.contains(&0);
        anyhow::ensure!(!empty || open == 0, "{shape} is empty and open");
        let wanted = self.ints(&sizes);
        let mut call = self.call("Reshape", &[x, &wanted]);
        if empty {
            call = call.int("allowzero", 1);
        }
        Ok(call.one(x.spec().with_shape(shape.clone())))
    }

    /// Dimensions in another order.
    pub fn transpose(&mut self, x: &Tensor, order: &[usize]) -> Tensor {
        if order.iter().enumerate().all(|(to, &from)| to == from) {
            return x.clone();
        }
        let dims = order.iter().map(|&axis| x.shape().dims()[axis].clone());
        let spec = x.spec().with_shape(Shape::new(dims));
        let order = order.iter().map(|&axis| axis as i64);
        self.call("Transpose", &[x]).ints("perm", order).one(spec)
    }

    /// A dimension of size 1 added before `axis`.
    pub fn unsqueeze(&mut self, x: &Tensor, axis: usize) -> Tensor {
        let mut shape = x.shape().clone();
        shape.dims_mut().insert(axis, Dim::Known(1));
        let axes = self.ints(&[axis as i64]);
        let call = self.call("Unsqueeze", &[x, &axes]);
        call.one(x.spec().with_shape(shape))
    }

    /// Dimensions of size 1 removed.
    pub fn squeeze(&mut self, x: &Tensor, axes: &[usize]) -> Tensor {
        if axes.is_empty() {
            return x.clone();
        }
        let dims = x.shape().dims().iter().enumerate();
        let kept = dims.filter(|(axis, _)| !axes.contains(axis));
        let shape = Shape::new(kept.map(|(_, dim)| dim.clone()));
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let axes = self.ints(&axes);
        let call = self.call("Squeeze", &[x, &axes]);
        call.one(x.spec().with_shape(shape))
    }

    /// Dimensions of size 1 repeated, and dimensions added in front.
    pub fn expand(&mut self, x: &Tensor, shape: &Shape, like: &Tensor) -> Tensor {
        if x.shape() == shape {
            return x.clone();
        }
        let sizes = match shape.known() {
            Some(sizes) => {
                let sizes: Vec<i64> = sizes.into_iter().map(|size| size as i64).collect();
                self.ints(&sizes)
            }
            None => self.sizes(like, 0, like.rank()),
        };
        let call = self.call("Expand", &[x, &sizes]);
        call.one(x.spec().with_shape(shape.clone()))
    }

    /// Tensors of one type joined along a dimension, to a result of shape `shape`.
    pub fn concat(&mut self, parts: &[&Tensor], axis: usize, shape: &Shape) -> Tensor {
        if let [only] = parts {
            return (*only).clone();
        }
        let spec = parts[0].spec().with_shape(shape.clone());
        let call = self.call("Concat", parts);
        call.int("axis", axis as i64).one(spec)
    }

    /// Vectors of `i64` joined.
    pub fn join_sizes(&mut self, parts: &[&Tensor]) -> Tensor {
        let count = parts.iter().filter_map(|part| part.shape().elements());
        let shape = Shape::from([count.sum::<usize>()]);
        self.concat(parts, 0, &shape)
    }

    /// Elements `start`, `start + step`, ... before `end` of a dimension, which are `size` many.
    pub fn slice(&mut self, x: &Tensor, axis: usize, range: Range, size: Dim) -> Tensor {
        let mut shape = x.shape().clone();
        shape.dims_mut()[axis] = size;
        let bounds = [range.start, range.end, axis as i64, range.step];
        let [start, end, axis, step] = bounds.map(|bound| self.ints(&[bound]));
        let mut inputs = vec![x, &start, &end, &axis];
        if range.step != 1 {
            inputs.push(&step);
        }
        let call = self.call("Slice", &inputs);
        call.one(x.spec().with_shape(shape))
    }

    /// The one position `index` of a dimension, which is removed.
    ///
    /// # Errors
    /// Never: an `i64` holds any index.
    pub fn pick(&mut self, x: &Tensor, axis: usize, index: i64) -> anyhow::Result<Tensor> {
        let mut shape = x.shape().clone();
        shape.dims_mut().remove(axis);
        let index = self.number(index as f64, DType::I64)?;
        let call = self.call("Gather", &[x, &index]);
        Ok(call
            .int("axis", axis as i64)
            .one(x.spec().with_shape(shape)))
    }

    /// The number of elements of a dimension, an `i64` without dimensions.
    ///
    /// # Errors
    /// Never: a dimension's size is an `i64`.
    pub fn size(&mut self, x: &Tensor, axis: usize) -> anyhow::Result<Tensor> {
        if let Some(size) = x.shape().dims()[axis].known() {
            return self.number(size as f64, DType::I64);
        }
        let size = self.sizes(x, axis, axis + 1);
        Ok(self.squeeze(&size, &[0]))
    }

    /// A tensor of one value with the sizes in the vector `sizes`.
    ///
    /// # Errors
    /// When the type cannot hold the value.
    pub fn full(&mut self, sizes: &Tensor, value: f64, spec: TensorSpec) -> anyhow::Result<Tensor> {
        let data = super::convert::filled(value, spec.dtype, 1)?;
        let value = nongemm_core::tensor::HostTensor::new([1], data)?;
        let call = self.call("ConstantOfShape", &[sizes]);
        Ok(call.tensor("value", &value).one(spec))
    }
}

/// A range of a dimension; negative bounds count from the end.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first element.
    pub start: i64,
    /// Where to stop.
    pub end: i64,
    /// The distance of elements.
    pub step: i64,
}

impl Range {
    /// Every element from `start` to before `end`.
    pub fn new(start: i64, end: i64) -> Self {
        Range {
            start,
            end,
            step: 1,
        }
    }

    /// Every element from `start` on.
    pub fn from(start: i64) -> Self {
        Range::new(start, i64::MAX)
    }
}

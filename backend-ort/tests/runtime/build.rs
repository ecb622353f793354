//! Small ONNX models, written node by node, and sessions of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nongemm_core::dtype::DType;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{
    Backend, Classification, Device, FileInputs, OpEvent, PrepareOptions, Session, Settings, Step,
};
use nongemm_operators as _;
use nongemm_ort::Ort;
use nongemm_ort::proto::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionValue, ElementType, GraphProto,
    MapType, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TensorType,
    TypeProto, TypeValue, ValueInfoProto,
};
use prost::Message;

/// A graph under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Build(pub(crate) GraphProto);

impl Build {
    /// `name` is also the name of the first output; a domain goes before a colon in `op`.
    pub(crate) fn node(self, name: &str, op: &str, inputs: &str) -> Self {
        self.node_with(name, op, inputs, Vec::new())
    }

    pub(crate) fn node_with(
        mut self,
        name: &str,
        op: &str,
        inputs: &str,
        attribute: Vec<AttributeProto>,
    ) -> Self {
        let (domain, op) = op.rsplit_once(':').unwrap_or(("", op));
        self.0.node.push(NodeProto {
            name: format!("block/{name}"),
            op_type: op.to_owned(),
            domain: domain.to_owned(),
            input: inputs
                .split_whitespace()
                .map(|s| s.trim_matches('_').to_owned())
                .collect(),
            output: vec![name.to_owned()],
            attribute,
            ..NodeProto::default()
        });
        self
    }

    /// Further outputs of the last node.
    pub(crate) fn and_output(mut self, name: &str) -> Self {
        self.0.node.last_mut().unwrap().output.push(name.to_owned());
        self
    }

    pub(crate) fn input(mut self, name: &str, ty: DataType, dims: &[&str]) -> Self {
        self.0.input.push(value(name, ty, dims));
        self
    }

    /// An input of any type.
    pub(crate) fn input_of(mut self, name: &str, ty: TypeValue) -> Self {
        self.0.input.push(typed(name, ty));
        self
    }

    /// An output of any type.
    pub(crate) fn output_of(mut self, name: &str, ty: TypeValue) -> Self {
        self.0.output.push(typed(name, ty));
        self
    }

    pub(crate) fn output(mut self, name: &str, ty: DataType, dims: &[&str]) -> Self {
        self.0.output.push(value(name, ty, dims));
        self
    }

    /// A weight with values in [-0.5, 0.5) that differ from each other.
    pub(crate) fn weight(mut self, name: &str, dims: &[i64]) -> Self {
        let count = dims.iter().product::<i64>();
        let data = (0..count).map(|i| ((i * 7919) % 1000) as f32 / 1000.0 - 0.5);
        self.0.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            float_data: data.collect(),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn floats(mut self, name: &str, dims: &[i64], data: &[f32]) -> Self {
        self.0.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            float_data: data.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn ints(mut self, name: &str, dims: &[i64], data: &[i64]) -> Self {
        self.0.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Int64 as i32,
            int64_data: data.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn bytes(mut self, name: &str, ty: DataType, dims: &[i64], data: &[i32]) -> Self {
        self.0.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: ty as i32,
            int32_data: data.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn model(self) -> ModelProto {
        let set = |domain: &str, version| OperatorSetIdProto {
            domain: domain.to_owned(),
            version,
        };
        ModelProto {
            ir_version: 10,
            opset_import: vec![set("", 20), set("ai.onnx.ml", 3), set("com.microsoft", 1)],
            graph: Some(GraphProto {
                name: "test".to_owned(),
                ..self.0
            }),
            ..ModelProto::default()
        }
    }

    pub(crate) fn write(self, folder: &Path) -> PathBuf {
        write(&self.model(), folder)
    }
}

pub(crate) fn write(model: &ModelProto, folder: &Path) -> PathBuf {
    let path = folder.join("model.onnx");
    std::fs::write(&path, model.encode_to_vec()).unwrap();
    path
}

fn value(name: &str, ty: DataType, dims: &[&str]) -> ValueInfoProto {
    let dim = |text: &&str| Dimension {
        value: Some(match text.parse() {
            Ok(size) => DimensionValue::Size(size),
            Err(_) => DimensionValue::Param((*text).to_owned()),
        }),
        denotation: String::new(),
    };
    let tensor = TensorType {
        elem_type: ty as i32,
        shape: Some(TensorShapeProto {
            dim: dims.iter().map(dim).collect(),
        }),
    };
    typed(name, TypeValue::Tensor(tensor))
}

fn typed(name: &str, ty: TypeValue) -> ValueInfoProto {
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(of(ty)),
        ..ValueInfoProto::default()
    }
}

fn of(ty: TypeValue) -> TypeProto {
    TypeProto {
        value: Some(ty),
        denotation: String::new(),
    }
}

/// A tensor of any shape.
pub(crate) fn any(ty: DataType) -> TypeValue {
    TypeValue::Tensor(TensorType {
        elem_type: ty as i32,
        shape: None,
    })
}

pub(crate) fn sequence(of_what: TypeValue) -> TypeValue {
    TypeValue::Sequence(ElementType {
        elem_type: Some(Box::new(of(of_what))),
    })
}

pub(crate) fn map(key: DataType, to: TypeValue) -> TypeValue {
    TypeValue::Map(MapType {
        key_type: key as i32,
        value_type: Some(Box::new(of(to))),
    })
}

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i,
        ..AttributeProto::default()
    }
}

pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: ints.to_vec(),
        ..AttributeProto::default()
    }
}

pub(crate) fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Floats as i32,
        floats: floats.to_vec(),
        ..AttributeProto::default()
    }
}

pub(crate) fn graph(name: &str, body: Build) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Graph as i32,
        g: Some(Box::new(GraphProto {
            name: name.to_owned(),
            ..body.0
        })),
        ..AttributeProto::default()
    }
}

pub(crate) fn settings(pairs: &[(&str, &str)]) -> Settings {
    let pairs = pairs.iter();
    let pairs: BTreeMap<String, String> = pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Settings::new(pairs)
}

/// Everything that is checked before a worker starts.
pub(crate) fn check(path: &Path, pairs: &[(&str, &str)]) -> anyhow::Result<Settings> {
    let settings = settings(pairs);
    Ort.check_settings(&settings)?;
    Ort.check_file(path, Device::Cpu, &settings, FileInputs::Own)?;
    settings.finish()?;
    Ok(settings)
}

pub(crate) fn prepare(path: &Path, pairs: &[(&str, &str)]) -> anyhow::Result<Box<dyn Session>> {
    let settings = check(path, pairs)?;
    let options = PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 1,
        settings,
    };
    Ok(Ort.prepare_file(path, &options, FileInputs::Own)?)
}

/// Runs plainly and under the profiler; every recorded run closes.
pub(crate) fn run(session: &mut dyn Session) {
    let clock = Monotonic::new();
    session
        .run(&mut Recorder::new(&clock, Mode::Off, 0))
        .unwrap();
    let mut recorder = Recorder::new(&clock, Mode::Timing, session.steps().len());
    for _ in 0..3 {
        session.run(&mut recorder).unwrap();
        recorder.check_closure().unwrap();
        let seen: std::collections::BTreeSet<u32> =
            recorder.events().iter().map(|e| e.step).collect();
        assert_eq!(seen.len(), session.steps().len(), "every step has an event");
    }
}

/// Group and operators of each row, one a line: `gemm MatMul`, `mixed FusedConv <- Conv Relu`.
pub(crate) fn rows(session: &dyn Session) -> Vec<String> {
    let classification = Classification::new(BTreeMap::new()).unwrap();
    let row = |step: &Step| {
        let group: OpGroup = classification.group(&OpEvent {
            vocabulary: step.vocabulary,
            name: &step.op,
            attrs: &step.attrs,
            fused: &step.fused,
            op: step.kind.as_deref(),
            counted: step.counted,
        });
        let arrow = if step.fused.is_empty() { "" } else { " <- " };
        format!("{group} {}{arrow}{}", step.op, step.fused.join(" "))
    };
    session.steps().iter().map(row).collect()
}

//! Types of values.

use prost::Message;

use super::StringStringEntryProto;

/// A value's name and type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
    /// Documentation.
    #[prost(string, tag = "3")]
    pub doc_string: String,
    /// Named notes.
    #[prost(message, repeated, tag = "4")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

impl ValueInfoProto {
    /// A tensor of a [`DataType`](super::DataType); without `dims`, of any shape.
    pub fn tensor(name: &str, elem_type: i32, dims: Option<&[i64]>) -> Self {
        let dim = |&size| Dimension {
            value: Some(DimensionValue::Size(size)),
            denotation: String::new(),
        };
        let tensor = TensorType {
            elem_type,
            shape: dims.map(|dims| TensorShapeProto {
                dim: dims.iter().map(dim).collect(),
            }),
        };
        ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                value: Some(TypeValue::Tensor(tensor)),
                denotation: String::new(),
            }),
            ..ValueInfoProto::default()
        }
    }
}

/// The type of a value.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Which kind of type.
    #[prost(oneof = "TypeValue", tags = "1, 4, 5, 8, 9")]
    pub value: Option<TypeValue>,
    /// What the value means (`IMAGE`, `DATA_BATCH`, ...).
    #[prost(string, tag = "6")]
    pub denotation: String,
}

/// The kinds of types.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum TypeValue {
    /// A dense tensor.
    #[prost(message, tag = "1")]
    Tensor(TensorType),
    /// A sequence of values of one type.
    #[prost(message, tag = "4")]
    Sequence(ElementType),
    /// A map from keys to values.
    #[prost(message, tag = "5")]
    Map(MapType),
    /// A sparse tensor.
    #[prost(message, tag = "8")]
    SparseTensor(TensorType),
    /// A value that may be absent.
    #[prost(message, tag = "9")]
    Optional(ElementType),
}

/// The type of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// Element type, a value of `TensorProto.DataType`.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Shape, if the rank is known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// The type of the elements of a sequence, or of a value that may be absent.
#[derive(Clone, PartialEq, Message)]
pub struct ElementType {
    /// That type.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// The type of a map.
#[derive(Clone, PartialEq, Message)]
pub struct MapType {
    /// Type of the keys, a value of `TensorProto.DataType`.
    #[prost(int32, tag = "1")]
    pub key_type: i32,
    /// Type of the values.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<TypeProto>>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// A dimension of a shape; one without a value may have any size.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// Its size.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
    /// What the dimension means.
    #[prost(string, tag = "3")]
    pub denotation: String,
}

/// The size of a dimension.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum DimensionValue {
    /// A number.
    #[prost(int64, tag = "1")]
    Size(i64),
    /// A name; equal names are equal sizes.
    #[prost(string, tag = "2")]
    Param(String),
}

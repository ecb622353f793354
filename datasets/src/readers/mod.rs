//! Datasets: one file each.

mod coco;
mod files;
mod imagenet;
mod images;
mod lines;
mod npz;
mod sample;
mod table;
mod text;
mod wikitext;

pub use coco::Coco;
pub use imagenet::ImageNet;
pub use images::ImageFolder;
pub use npz::ReadyTensors;
pub use sample::SampleData;
pub use text::TextFiles;
pub use wikitext::WikiText;

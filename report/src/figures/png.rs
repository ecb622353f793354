//! SVG to PNG, with a typeface of its own: images look the same on every machine.

use std::sync::Arc;

use anyhow::Context;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

const FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// Pixels for each unit: sharp on slides and at the width of a column.
const SCALE: f32 = 2.0;

/// The longest side of an image in pixels; larger figures are drawn at a smaller scale.
const LONGEST: f32 = 16_000.0;

/// Draws figures.
pub(super) struct Renderer {
    options: Options<'static>,
}

impl Renderer {
    pub(super) fn new() -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        Renderer {
            options: Options {
                font_family: "DejaVu Sans".to_owned(),
                fontdb: Arc::new(fonts),
                ..Options::default()
            },
        }
    }

    /// The image of a figure.
    ///
    /// # Errors
    /// When the figure is no SVG, which would be a defect.
    pub(super) fn render(&self, svg: &str) -> anyhow::Result<Vec<u8>> {
        let tree = Tree::from_str(svg, &self.options).context("a figure is no SVG")?;
        let size = tree.size();
        let scale = SCALE.min(LONGEST / size.width().max(size.height()));
        let [width, height] =
            [size.width(), size.height()].map(|side| (side * scale).ceil() as u32);
        let mut pixels = Pixmap::new(width, height).context("a figure has no size")?;
        resvg::render(
            &tree,
            Transform::from_scale(scale, scale),
            &mut pixels.as_mut(),
        );
        pixels.encode_png().context("cannot write a PNG")
    }
}

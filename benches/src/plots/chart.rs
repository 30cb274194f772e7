//! Lines over two logarithmic axes, each with its name at its end, on a ground of its own: a page
//! may be light or dark.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::page::tables::figure;

const SIZE: (u32, u32) = (760, 430);
const FONT: &str = "sans-serif";
const TITLE: u32 = 18;
const WORDS: u32 = 14;
/// Room for the names of lines.
const NAMES: u32 = 130;
/// The least that names are apart.
const APART: i32 = 18;
/// Between a point and what is written beside it.
const GAP: i32 = 9;
/// How far the axes go on beyond their first and last mark.
const BEYOND: f64 = 1.4;

const DARK: RGBColor = RGBColor(45, 45, 45);
const PALE: RGBColor = RGBColor(225, 225, 225);

/// A plot.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
}

/// An axis: logarithmic, from its first mark to its last.
pub(super) struct Axis {
    pub(super) title: &'static str,
    pub(super) marks: Vec<f64>,
}

/// Points that belong together.
pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) ink: Ink,
    pub(super) points: Vec<(f64, f64)>,
    /// What is written at each point, if anything is.
    pub(super) notes: Vec<String>,
}

/// Whose a line is.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Ours,
    /// Another of ours.
    OursToo,
    Floor,
    Peer,
}

impl Ink {
    /// Apart from each other for people who do not see all colours, too.
    const fn colour(self) -> RGBColor {
        match self {
            Self::Ours => RGBColor(0, 90, 160),
            Self::OursToo => RGBColor(0, 130, 105),
            Self::Floor => RGBColor(120, 120, 120),
            Self::Peer => RGBColor(190, 75, 0),
        }
    }
}

impl Axis {
    fn range(&self) -> std::ops::Range<f64> {
        let first = self.marks.first().copied().unwrap_or(1.0);
        let last = self.marks.last().copied().unwrap_or(10.0);
        first / BEYOND..last * BEYOND
    }
}

impl Chart {
    pub(super) fn has_points(&self) -> bool {
        self.lines.iter().all(|line| !line.points.is_empty())
    }

    pub(super) fn draw(&self, path: &Path) -> Result<()> {
        let root = SVGBackend::new(path, SIZE).into_drawing_area();
        self.draw_on(&root)
            .and_then(|()| root.present().map_err(failed))
            .with_context(|| format!("failed to draw {}", path.display()))
    }

    fn draw_on(&self, root: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<()> {
        root.fill(&WHITE).map_err(failed)?;
        let title = (FONT, TITLE).into_font().color(&DARK);
        let words = (FONT, WORDS).into_font().color(&DARK);
        let x = self
            .x
            .range()
            .log_scale()
            .with_key_points(self.x.marks.clone());
        let y = self
            .y
            .range()
            .log_scale()
            .with_key_points(self.y.marks.clone());
        let mut chart = ChartBuilder::on(root)
            .caption(self.title, title)
            .margin(12)
            .margin_right(NAMES)
            .x_label_area_size(46)
            .y_label_area_size(58)
            .build_cartesian_2d(x, y)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc(self.x.title)
            .y_desc(self.y.title)
            .axis_desc_style(words.clone())
            .label_style(words.clone())
            .x_label_formatter(&|value| figure(*value))
            .y_label_formatter(&|value| figure(*value))
            .bold_line_style(PALE)
            .light_line_style(TRANSPARENT)
            .axis_style(DARK)
            .draw()
            .map_err(failed)?;
        let mut ends = Vec::new();
        for line in &self.lines {
            let colour = line.ink.colour();
            let points = line.points.iter().copied();
            let drawn = LineSeries::new(points.clone(), colour.stroke_width(2));
            chart.draw_series(drawn).map_err(failed)?;
            let dots = points.map(|point| Circle::new(point, 4, colour.filled()));
            chart.draw_series(dots).map_err(failed)?;
            let style = (FONT, WORDS).into_font().color(&colour);
            let above = style.pos(Pos::new(HPos::Right, VPos::Bottom));
            for (point, note) in line.points.iter().zip(&line.notes) {
                let (x, y) = chart.backend_coord(point);
                root.draw_text(note, &above, (x + GAP / 2, y - GAP))
                    .map_err(failed)?;
            }
            if let Some(last) = line.points.last() {
                ends.push((chart.backend_coord(last), line));
            }
        }
        // Names that would lie upon each other move apart.
        ends.sort_by_key(|((_, y), _)| *y);
        let mut free = i32::MIN;
        for ((x, y), line) in ends {
            let y = y.max(free);
            free = y + APART;
            let colour = line.ink.colour();
            let style = (FONT, WORDS).into_font().color(&colour);
            let beside = style.pos(Pos::new(HPos::Left, VPos::Center));
            let at = (x + 2 * GAP, y);
            root.draw_text(line.label, &beside, at).map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{error}")
}

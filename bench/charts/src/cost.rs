// SPDX-License-Identifier: GPL-2.0
//! What something costs by the size of the object, as lines.

use crate::Case;
use plotters::prelude::*;
use std::{error::Error, path::Path};

/// Which figure of the cases is a line.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Zxvmo,
    /// That of the peer with this name.
    Peer(&'static str),
}

/// A line: the cases of a name, one for each size.
pub(crate) struct Line {
    /// What the names of the cases begin with.
    pub(crate) cases: &'static str,
    pub(crate) side: Side,
    pub(crate) label: &'static str,
    pub(crate) colour: RGBColor,
}

pub(crate) const GREEN: RGBColor = RGBColor(47, 128, 96);
pub(crate) const BLUE: RGBColor = RGBColor(48, 92, 168);
pub(crate) const RED: RGBColor = RGBColor(192, 72, 62);

/// Draws the cases that are a series over sizes; nothing if there are none.
pub(crate) fn draw(
    path: &Path,
    title: &str,
    lines: &[Line],
    cases: &[Case],
) -> Result<(), Box<dyn Error>> {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line, series(cases, line)))
        .collect();
    let all: Vec<(f64, f64)> = lines
        .iter()
        .flat_map(|(_, points)| points.clone())
        .collect();
    let Some((low, high)) = bounds(all.iter().map(|point| point.1)) else {
        return Ok(());
    };
    let Some((small, large)) = bounds(all.iter().map(|point| point.0)) else {
        return Ok(());
    };
    let area = SVGBackend::new(path, (900, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    let clock = cases.first().map_or("", |case| case.clock.as_str());
    let mut chart = ChartBuilder::on(&area)
        .caption(
            format!("{title} by size of the memory, {clock}"),
            ("sans-serif", 20),
        )
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(
            (small / 2.0..large * 2.0).log_scale().base(2.0),
            (low / 2.0..high * 2.0).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("size, all of it populated")
        .y_desc(clock)
        .x_labels(12)
        .x_label_formatter(&|bytes| size(*bytes))
        .y_label_formatter(&|cost| short(*cost))
        .draw()?;
    for (line, points) in lines {
        let (name, colour) = (line.label, line.colour);
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 4, colour.filled())),
        )?;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

/// Sizes and costs of a line.
fn series(cases: &[Case], line: &Line) -> Vec<(f64, f64)> {
    let cost = |case: &Case| match line.side {
        Side::Zxvmo => case.zxvmo,
        Side::Peer(name) => case
            .peer
            .filter(|_| case.peer_name.as_deref() == Some(name)),
    };
    let mut points: Vec<(f64, f64)> = cases
        .iter()
        .filter(|case| case.case.starts_with(line.cases))
        .filter_map(|case| Some((case.size?, cost(case)?)))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points.dedup_by_key(|point| point.0);
    points
}

fn bounds(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    Some((values.clone().reduce(f64::min)?, values.reduce(f64::max)?))
}

fn size(bytes: f64) -> String {
    match bytes {
        b if b >= (1u64 << 30) as f64 => format!("{:.0} GiB", b / (1u64 << 30) as f64),
        b if b >= (1u64 << 20) as f64 => format!("{:.0} MiB", b / (1u64 << 20) as f64),
        b => format!("{:.0} KiB", b / 1024.0),
    }
}

fn short(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.0} G", n / 1e9),
        n if n >= 1e6 => format!("{:.0} M", n / 1e6),
        n if n >= 1e3 => format!("{:.0} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

// SPDX-License-Identifier: GPL-2.0
//! What a snapshot costs by the size of the object, beside fork().

use crate::Case;
use plotters::prelude::*;
use std::{error::Error, path::Path};

/// Draws the cases that are a series over sizes; nothing if there are none.
pub(crate) fn draw(path: &Path, cases: &[Case]) -> Result<(), Box<dyn Error>> {
    let unmapped = series(cases, "snapshot, not mapped", |case| case.zxvmo);
    let mapped = series(cases, "snapshot, mapped writable and touched", |case| {
        case.zxvmo
    });
    let fork = series(cases, "snapshot, mapped writable and touched", |case| {
        case.peer
            .filter(|_| case.peer_name.as_deref() == Some("fork()"))
    });
    let all: Vec<(f64, f64)> = [&unmapped[..], &mapped, &fork].concat();
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
            format!("A snapshot by size of the memory, {clock}"),
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
        .x_desc("populated memory")
        .y_desc(format!("{clock} per call"))
        .x_labels(12)
        .x_label_formatter(&|bytes| size(*bytes))
        .y_label_formatter(&|cost| short(*cost))
        .draw()?;
    let lines = [
        (unmapped, "zxvmo, not mapped", RGBColor(47, 128, 96)),
        (
            mapped,
            "zxvmo, mapped, every page written",
            RGBColor(48, 92, 168),
        ),
        (fork, "fork(), every page written", RGBColor(192, 72, 62)),
    ];
    for (points, name, colour) in lines {
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

/// Sizes and costs of the cases of a name, one for each size.
fn series(cases: &[Case], name: &str, cost: impl Fn(&Case) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = cases
        .iter()
        .filter(|case| case.case.starts_with(name))
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

// SPDX-License-Identifier: GPL-2.0
//! Bars of ratios, from 1 (as much as the peer) to the left (less) or to the right (more).

use crate::Case;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use std::{error::Error, path::Path};

const WIDTH: u32 = 1060;
const ROW: i32 = 24;
const HEAD: i32 = 60;
const FOOT: i32 = 46;
const LABELS: i32 = 500;
const RIGHT: i32 = 70;

const LESS: RGBColor = RGBColor(47, 128, 96);
const NEAR: RGBColor = RGBColor(214, 158, 46);
const MORE: RGBColor = RGBColor(192, 72, 62);
const FAINT: RGBColor = RGBColor(222, 222, 222);

/// Draws the cases, all of which have a ratio, one bar each.
pub(crate) fn draw(path: &Path, group: &str, cases: &[&Case]) -> Result<(), Box<dyn Error>> {
    let height = HEAD + FOOT + ROW * cases.len() as i32;
    let area = SVGBackend::new(path, (WIDTH, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    let anchored = |size: i32, at: HPos| text(size).pos(Pos::new(at, VPos::Center));

    area.draw(&Text::new(
        format!("{group}: zxvmo / peer, by {}", cases[0].clock),
        (12, 14),
        text(18),
    ))?;
    area.draw(&Text::new(
        "left of 1: zxvmo takes less; black mark: target",
        (12, 36),
        text(13),
    ))?;

    let (low, high) = range(cases);
    let left = LABELS;
    let right = WIDTH as i32 - RIGHT;
    let x = |ratio: f64| {
        let part = (ratio.max(low).ln() - low.ln()) / (high.ln() - low.ln());
        left + (part * f64::from(right - left)) as i32
    };
    let bottom = height - FOOT;
    for tick in ticks(low, high) {
        let style = if tick == 1.0 { BLACK } else { FAINT };
        area.draw(&PathElement::new(
            [(x(tick), HEAD), (x(tick), bottom)],
            style.stroke_width(1),
        ))?;
        let label = Text::new(
            format!("{tick}"),
            (x(tick), bottom + 14),
            anchored(12, HPos::Center),
        );
        area.draw(&label)?;
    }
    for (row, case) in cases.iter().enumerate() {
        let Some(ratio) = case.ratio else { continue };
        let middle = HEAD + ROW * row as i32 + ROW / 2;
        let colour = match case.is_met() {
            Some(true) => LESS,
            Some(false) if ratio <= 1.0 => NEAR,
            Some(false) => MORE,
            None if ratio <= 1.0 => LESS,
            None => MORE,
        };
        let name = Text::new(
            case.case.as_str(),
            (left - 10, middle),
            anchored(12, HPos::Right),
        );
        area.draw(&name)?;
        let (from, to) = (x(1.0).min(x(ratio)), x(1.0).max(x(ratio)));
        area.draw(&Rectangle::new(
            [(from, middle - 7), (to, middle + 7)],
            colour.filled(),
        ))?;
        if let (Some(target), "ratio") = (case.target, case.target_of.as_str()) {
            area.draw(&PathElement::new(
                [(x(target), middle - 11), (x(target), middle + 11)],
                BLACK.stroke_width(3),
            ))?;
        }
        let figure = Text::new(
            format!("{ratio:.2}"),
            (WIDTH as i32 - 12, middle),
            anchored(12, HPos::Right),
        );
        area.draw(&figure)?;
    }
    area.draw(&Text::new(
        "green: target met (or none, and less than the peer); amber: less than the peer, target missed; red: more than the peer",
        (12, height - 16),
        text(12),
    ))?;
    area.present()?;
    Ok(())
}

/// What the axis has to show.
fn range(cases: &[&Case]) -> (f64, f64) {
    let figures = cases
        .iter()
        .flat_map(|case| {
            [
                case.ratio,
                case.target.filter(|_| case.target_of == "ratio"),
            ]
        })
        .flatten()
        .filter(|figure| *figure > 0.0);
    let (low, high) = figures.fold((0.5_f64, 2.0_f64), |(low, high), figure| {
        (low.min(figure), high.max(figure))
    });
    (low / 1.15, high * 1.15)
}

fn ticks(low: f64, high: f64) -> Vec<f64> {
    [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0,
        100.0, 200.0, 500.0,
    ]
    .into_iter()
    .filter(|tick| (low..=high).contains(tick))
    .collect()
}

// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree for Graphviz, and as an SVG picture.

use std::io::Write;

use crate::failure::Outcome;
use crate::text;
use crate::tree::{summary, Node};

/// The two lines that a VMO has in a picture.
fn labels(node: &Node) -> (String, String) {
    let vmo = &node.vmo;
    let name = text::printable(&vmo.name);
    let first = format!("{} {}", vmo.koid, name).trim_end().to_owned();
    let second = format!(
        "{} {}, {} committed, {} private",
        vmo.kind,
        text::size(vmo.size),
        text::size(vmo.committed),
        text::size(vmo.private)
    );
    (first, second)
}

pub(crate) fn write_dot(nodes: &[Node], out: &mut impl Write) -> Outcome {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    writeln!(out, "digraph zxvmo {{")?;
    writeln!(out, "\trankdir=LR;")?;
    writeln!(
        out,
        "\tnode [shape=box, fontname=\"sans-serif\", fontsize=10];"
    )?;
    for node in nodes {
        let (first, second) = labels(node);
        let style = if node.vmo.kind == "slice" || node.vmo.kind == "reference" {
            ", style=dashed"
        } else {
            ""
        };
        writeln!(
            out,
            "\t{} [label=\"{}\\n{}\"{style}];",
            node.vmo.koid,
            escape(&first),
            escape(&second)
        )?;
        if node.depth > 0 {
            writeln!(out, "\t{} -> {};", node.vmo.parent, node.vmo.koid)?;
        }
    }
    Ok(writeln!(out, "}}")?)
}

const WIDTH: usize = 270;
const HEIGHT: usize = 36;
const ROW: usize = 46;
const STEP: usize = 36;
const MARGIN: usize = 10;
/// Characters of a name that fit.
const FITS: usize = 38;

/// `text` for an SVG file, cut where the box ends. XML has no place for control characters, but
/// [`labels`] has none.
fn svg_text(text: &str) -> String {
    let mut cut: String = text.chars().take(FITS).collect();
    if cut.len() < text.len() {
        cut.pop();
        cut.push('…');
    }
    cut.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

pub(crate) fn write_svg(nodes: &[Node], out: &mut impl Write) -> Outcome {
    let deepest = nodes.iter().map(|node| node.depth).max().unwrap_or(0);
    let width = 2 * MARGIN + WIDTH + STEP * deepest;
    let height = 2 * MARGIN + ROW * nodes.len();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">"
    )?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>")?;
    // Where the latest of each generation is: the parent of what comes next.
    let mut bottoms: Vec<usize> = Vec::new();
    for (row, node) in nodes.iter().enumerate() {
        let (x, y) = (MARGIN + STEP * node.depth, MARGIN + ROW * row);
        bottoms.truncate(node.depth);
        if let Some(bottom) = bottoms.last() {
            let stem = x - STEP / 2;
            let middle = y + HEIGHT / 2;
            writeln!(
                out,
                "<path d=\"M{stem} {bottom}V{middle}H{x}\" fill=\"none\" stroke=\"#888\"/>"
            )?;
        }
        bottoms.push(y + HEIGHT);
        let (fill, dash) = match node.vmo.kind.as_str() {
            "original" => ("#dbe9f6", ""),
            "snapshot" => ("#e4f2dc", ""),
            _ => ("#f7f0dc", " stroke-dasharray=\"4 3\""),
        };
        let (first, second) = labels(node);
        writeln!(
            out,
            "<g><title>{}</title>\
             <rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"{fill}\" stroke=\"#555\"{dash}/>\
             <text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\
             <text x=\"{}\" y=\"{}\">{}</text></g>",
            svg_text(&summary(&node.vmo)),
            x + 8,
            y + 15,
            svg_text(&first),
            x + 8,
            y + 29,
            second,
        )?;
    }
    Ok(writeln!(out, "</svg>")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::arrange;
    use crate::tree::tests::record;

    fn nodes() -> Vec<Node> {
        arrange(vec![record(1, 0, "<a\"&\\\n"), record(2, 1, "")])
    }

    #[test]
    fn dot() {
        let mut out = Vec::new();
        write_dot(&nodes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(
            "\t1 [label=\"1 <a\\\"&\\\\\\\\n\\noriginal 4K, 0 committed, 0 private\"];\n"
        ));
        assert!(text.contains("\t1 -> 2;\n"));
    }

    #[test]
    fn svg() {
        let mut out = Vec::new();
        write_svg(&nodes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("1 &lt;a\"&amp;\\\\n</text>"));
        assert!(text.contains("M28 46V74H46"));
        assert_eq!(text.matches("<rect x=").count(), 2);
    }
}
